"""Start the LMS: ``python serve.py --port 0``. Prints ``READY http://127.0.0.1:PORT`` once it answers."""

import argparse
import logging
import os
import socket
import sys
from typing import Any

import waitress
from django.core.wsgi import get_wsgi_application
from school import SCHOOL

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_settings")


def resolve_localhost_names() -> None:
    """Let every ``*.localhost`` name mean this machine (RFC 6761 §6.3), as browsers do and many resolvers do not.

    Tools with a host name per tenant can so be reached by name without touching the machine's configuration.
    """
    system = socket.getaddrinfo

    def getaddrinfo(host: Any, *rest: Any, **more: Any) -> Any:
        return system("127.0.0.1" if isinstance(host, str) and host.endswith(".localhost") else host, *rest, **more)

    socket.getaddrinfo = getaddrinfo


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--front", default="", help="where browsers reach it, such as https://lms.example.org")
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    resolve_localhost_names()
    server = waitress.create_server(
        get_wsgi_application(), host="127.0.0.1", port=options.port, threads=options.threads
    )
    SCHOOL.services = f"http://127.0.0.1:{server.effective_port}"
    SCHOOL.issuer = options.front or SCHOOL.services
    sys.stdout.write(f"READY {SCHOOL.services}\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
