"""``python -m tests.peers.zoom --port 6544``: practice Zoom, with the libraries of the product's own environment.

Its first line is ``READY http://127.0.0.1:PORT``. ``--with-parent``: it ends when the process that started it does.
"""

import argparse
import logging
import os
import sys
import threading
import time

import waitress

from tests.peers.zoom.app import application


def end_with_parent(every: float = 0.5) -> None:
    """Whoever loses their parent is given another (or none): then this process ends."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every)
        os._exit(0)

    threading.Thread(target=watch, daemon=True, name="parent").start()


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--with-parent", action="store_true", help="end when the starting process ends")
    options = parser.parse_args()
    if options.with_parent:
        end_with_parent()
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    try:
        server = waitress.create_server(application(), host="127.0.0.1", port=options.port, threads=8)
    except OSError as error:
        sys.exit(f"practice Zoom cannot listen on port {options.port}: {error}")
    sys.stdout.write(f"READY http://127.0.0.1:{server.effective_port}\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main()
