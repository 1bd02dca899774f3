"""Processes: waitress with a graceful end, and the standing worker."""

import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
import waitress
from pyramid.config import Configurator
from waitress.server import BaseWSGIServer

from saas.jobs.worker import Worker
from saas.runtime import Runtime
from saas.settings import SettingsError, WebSettings

log = structlog.get_logger()
#: How long requests under way may take to end once we are told to stop.
DRAIN_SECONDS = 20.0


def serve_forever(
    config: Configurator, host: str, port: int, ready: Callable[[], None] = lambda: None, *, worker: bool | None = None
) -> None:
    """Serves until SIGTERM or Ctrl-C: then no new connections, the requests under way end, the jobs under way end."""
    runtime: Runtime = config.registry.runtime
    application = config.make_wsgi_app()
    refuse_taken_port(host, port)
    server = waitress.create_server(application, host=host, port=port, **_adjustments(runtime.settings.web))
    embedded = runtime.settings.jobs.embedded if worker is None else worker
    jobs = Worker(runtime) if embedded else None
    if jobs:
        jobs.start()
    stopping = _on_signals()
    ready()
    try:
        _loop(server, stopping, config.registry.draining)
    finally:
        if jobs:
            jobs.stop()
        runtime.close()


def _adjustments(web: WebSettings) -> dict[str, Any]:
    proxy = {"trusted_proxy": web.trusted_proxy, "trusted_proxy_headers": "x-forwarded-for x-forwarded-proto"}
    return {
        "threads": web.threads,
        "max_request_body_size": web.max_body_bytes,
        "max_request_header_size": 64 * 1024,
        "ident": "",
        "clear_untrusted_proxy_headers": True,
        "channel_timeout": 60,
        "expose_tracebacks": False,
        **(proxy if web.trusted_proxy else {}),
    }


def refuse_taken_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        if probe.connect_ex((host, port)) == 0:
            raise SettingsError(f"port {port} is already answered by another program; choose one with PORT= or --port")


def _on_signals() -> threading.Event:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def _loop(server: BaseWSGIServer, stopping: threading.Event, draining: threading.Event) -> None:
    while not stopping.is_set():
        server.asyncore.loop(timeout=0.5, map=server._map, use_poll=True, count=1)  # noqa: SLF001 -- waitress has no public step
    draining.set()
    server.accepting = False
    server.del_channel()
    server.socket.close()
    deadline = time.monotonic() + DRAIN_SECONDS
    while _busy(server) and time.monotonic() < deadline:
        server.asyncore.loop(timeout=0.1, map=server._map, use_poll=True, count=1)  # noqa: SLF001 -- as above
    server.task_dispatcher.shutdown()


def _busy(server: BaseWSGIServer) -> bool:
    return any(channel.requests or channel.total_outbufs_len for channel in list(server.active_channels.values()))


def work_forever(runtime: Runtime) -> None:
    worker = Worker(runtime)
    stopping = _on_signals()
    worker.start()
    log.info("worker started", worker=worker.name)
    stopping.wait()
    worker.stop()
    runtime.close()
