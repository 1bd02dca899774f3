"""moodlepy, a client of Moodle's web service from PyPI, that calls what a test orders.

``POST /call`` (JSON: url, token, and ``typed`` with ``arguments``, or ``function`` with ``parameters``) answers
``{"value": …}``, or ``{"raised": class, "errorcode": …, "exception": …, "message": …}`` as moodlepy raised it.
"""

import argparse
import json
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attr
from moodle import Moodle, MoodleException
from moodle.core.calendar import Events


def typed(moodle: Moodle, name: str, arguments: list[dict[str, Any]]) -> Any:
    """By moodlepy's own methods and classes."""
    if name == "site_info":
        return moodle.core.webservice.get_site_info()
    if name == "create":
        return moodle.core.calendar.create_calendar_events([Events.Create(**each) for each in arguments])
    return moodle.core.calendar.delete_calendar_events([Events.Delete(**each) for each in arguments])


def called(order: dict[str, Any]) -> dict[str, Any]:
    """What came of it."""
    moodle = Moodle(order["url"], order["token"])
    moodle.session.trust_env = False
    try:
        if "typed" in order:
            value = typed(moodle, order["typed"], order.get("arguments", []))
        else:
            value = moodle(order["function"], **order.get("parameters", {}))
    except MoodleException as error:
        return {"raised": type(error).__name__, **attr.asdict(error)}
    except Exception as error:  # noqa: BLE001 -- whatever the library makes of an answer is the test's to judge
        return {"raised": type(error).__name__, "message": str(error)}
    return {"value": attr.asdict(value) if attr.has(type(value)) else value}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(called(order), default=str).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep quiet."""


def resolve_localhost_names() -> None:
    """Let every ``*.localhost`` name mean this machine (RFC 6761 §6.3), as browsers do and many resolvers do not."""
    system = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
        return system("127.0.0.1" if isinstance(host, str) and host.endswith(".localhost") else host, *rest, **more)

    socket.getaddrinfo = getaddrinfo


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options = parser.parse_args()
    resolve_localhost_names()
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    sys.stdout.write(f"READY http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
