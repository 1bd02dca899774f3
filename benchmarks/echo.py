"""The unit: what waitress alone needs to take in a 3.4 kB form and give it back (docs/performance.md, echo units)."""

import logging
import sys
from collections.abc import Iterable
from typing import Any

import waitress


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    waitress.serve(application, host="127.0.0.1", port=int(sys.argv[1]), threads=8, _quiet=True)
