"""Processes: waitress with a graceful end, and the standing worker."""

import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
import waitress
from pyramid.config import Configurator
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer
from waitress.task import WSGITask

from saas.jobs.worker import Worker
from saas.runtime import Runtime
from saas.settings import SettingsError, WebSettings

log = structlog.get_logger()
#: How long requests under way may take to end once we are told to stop.
DRAIN_SECONDS = 20.0
#: How long somebody who is connected by then, but has sent nothing yet, may take to begin.
BEGIN_SECONDS = 1.0


class LastingTask(WSGITask):
    """waitress hangs up after every answer without a length, and so after a 204, which must not have one, or a 304
    (RFC 9110 §8.6). Those have no body either (RFC 9112 §6.3): the next request may follow at once.
    """

    def set_close_on_finish(self) -> None:
        asked = self.request.headers.get("CONNECTION", "").lower() == "close"
        if self.wrote_header or self.has_body or self.version != "1.1" or asked:
            super().set_close_on_finish()


class LastingChannel(HTTPChannel):
    task_class = LastingTask


def serve_forever(
    config: Configurator, host: str, port: int, ready: Callable[[], None] = lambda: None, *, worker: bool | None = None
) -> None:
    """Serves until SIGTERM or Ctrl-C: then no new connections, the requests under way end, the jobs under way end."""
    runtime: Runtime = config.registry.runtime
    application = config.make_wsgi_app()
    refuse_taken_port(host, port)
    stopping = _on_signals()  # before anybody can connect
    sockets: dict[int, Any] = {}
    server = listen(application, host, port, runtime.settings.web, sockets)
    embedded = runtime.settings.jobs.embedded if worker is None else worker
    jobs = Worker(runtime) if embedded else None
    if jobs:
        jobs.start()
    _tell_supervisor("READY=1")
    ready()
    try:
        _loop(sockets, stopping, config.registry.draining)
        server.task_dispatcher.shutdown()
    finally:
        if jobs:
            jobs.stop()
        runtime.close()


def listen(application: Any, host: str, port: int, web: WebSettings, sockets: dict[int, Any]) -> Any:
    """The server; its listeners are put into ``sockets``, as connections will be."""
    try:
        server = waitress.create_server(application, map=sockets, host=host, port=port, **_adjustments(web))
    except (OSError, ValueError) as error:
        raise SettingsError(f"cannot listen on {host} port {port}: {error}") from None
    for listener in _listeners(sockets):
        listener.channel_class = LastingChannel
    return server


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
    with suppress(OSError), socket.create_connection((host, port), timeout=0.5):
        raise SettingsError(f"port {port} is already answered by another program; choose one with PORT= or --port")


def _on_signals() -> threading.Event:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def _tell_supervisor(state: str) -> None:
    """As ``Type=notify`` of systemd has it, so that restarting several processes goes on when this one can serve."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor, suppress(OSError):
            supervisor.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)


def _loop(sockets: dict[int, Any], stopping: threading.Event, draining: threading.Event) -> None:
    """``sockets`` is waitress's map: its listeners (one per address of the host name) and its open connections."""
    while not stopping.is_set():
        wasyncore.loop(timeout=0.5, map=sockets, use_poll=True, count=1)
    draining.set()
    _tell_supervisor("STOPPING=1")
    for listener in _listeners(sockets):
        _close_door(listener)
    closed = time.monotonic()
    busy = True
    while busy and time.monotonic() < closed + DRAIN_SECONDS:
        wasyncore.loop(timeout=0.1, map=sockets, use_poll=True, count=1)
        busy = _busy(sockets, awaited=time.monotonic() < closed + BEGIN_SECONDS)


def _listeners(sockets: dict[int, Any]) -> list[BaseWSGIServer]:
    return [each for each in sockets.values() if isinstance(each, BaseWSGIServer)]


def _close_door(listener: BaseWSGIServer) -> None:
    """Whoever is connected already, if only in the kernel's queue, is still let in: closing would cut them off.

    Newcomers hear that nobody listens, which a proxy takes as a reason to go elsewhere.
    """
    while select.select([listener.socket], [], [], 0)[0]:
        listener.handle_accept()
    listener.accepting = False
    listener.del_channel()
    listener.socket.close()


def _busy(sockets: dict[int, Any], *, awaited: bool) -> bool:
    """Whether a request is being received, worked on, or its answer still under way.

    ``awaited``: so is one that somebody who has said nothing yet is about to send.
    """
    channels = [each for each in sockets.values() if isinstance(each, HTTPChannel)]
    return any(
        each.request is not None
        or each.requests
        or each.total_outbufs_len
        or (awaited and each.last_activity == each.creation_time)
        for each in channels
    )


def work_forever(runtime: Runtime) -> None:
    stopping = _on_signals()
    worker = Worker(runtime)
    worker.start()
    log.info("worker started", worker=worker.name)
    _tell_supervisor("READY=1")
    stopping.wait()
    _tell_supervisor("STOPPING=1")
    worker.stop()
    runtime.close()
