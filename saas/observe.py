"""Structured logs, request ids, Prometheus metrics. Secrets never get here: fields with telling names are blanked."""

import logging
import re
import sys
from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from saas.settings import LogSettings

_SECRET = re.compile(
    r"token|secret|password|cookie|authorization|assertion|signature|private|sealed|passcode", re.IGNORECASE
)
#: Remembered, because every line carries the same few names.
_names_a_secret = lru_cache(maxsize=256)(_SECRET.search)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def blank_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blanks fields named like secrets and escapes control characters, so that no input can forge a line."""
    for key, value in event.items():
        if _names_a_secret(key):
            event[key] = "***"
        elif isinstance(value, str) and key != "exception" and not value.isprintable():
            event[key] = _CONTROL.sub(lambda found: repr(found.group())[1:-1], value)
    return event


def _json(event: object, **_options: object) -> str:
    return orjson.dumps(event, default=repr).decode()


def configure_logging(settings: LogSettings) -> None:
    """Everything to stderr, one line per event; libraries that log through `logging` come out the same way."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        blank_secrets,
    ]
    renderer: Any = structlog.processors.JSONRenderer(serializer=_json)
    if settings.format == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    level = getattr(logging, settings.level.upper())
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),  # a line is one write: those of processes do not mix
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
    # One warning per queued request would cost a tenth of the throughput; the metric says the same.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)


class Metrics:
    """One registry per process, so that tests can build several applications."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "lyceum_http_requests", "Requests answered", ["route", "method", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "lyceum_http_seconds",
            "Time to answer",
            ["route"],
            registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
        )
        self.jobs = Counter("lyceum_jobs", "Jobs settled", ["job", "outcome"], registry=self.registry)
        self.job_seconds = Histogram("lyceum_job_seconds", "Time of one run of a job", ["job"], registry=self.registry)
        self.outbox = Gauge("lyceum_outbox_rows", "Rows of the outbox", ["state"], registry=self.registry)
        self.outbox_lag = Gauge(
            "lyceum_outbox_lag_seconds", "How long the oldest due row has been waiting", registry=self.registry
        )
        self.refusals = Counter("lyceum_refusals", "Coded refusals", ["code"], registry=self.registry)
        self.outbound = Counter("lyceum_outbound", "Outgoing requests", ["outcome"], registry=self.registry)
