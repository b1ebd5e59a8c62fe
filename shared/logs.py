"""Logs: one event name each, with fields, on stderr.

In production a line is a JSON object, for machines; in dev it is `key=value`, for eyes.
Libraries that log through the standard module come out in the same form. Never logged:
tokens, payloads, URLs with a query (uvicorn's logs are quiet for that reason).

A line that is written inside a span carries its trace. What repeats is left out, and counted as
`suppressed` on the next line that is written: the very same line is written twice, then once a
minute; lines of one event may differ (each is of another socket or topic), so ten of a warning and
fifty of any other may come at once, then one a minute and one a second. Debug is not limited.
"""

import logging
import sys
from typing import Any, Final

import orjson
import structlog
from opentelemetry import trace

from fanwire.core.clock import now_ms
from shared.log_limit import LogLimit
from shared.settings.types import Environment

EXPORT_FAILED: Final = "telemetry.export_failed"
_QUIET: Final = ("uvicorn.access", "uvicorn.error", "httpx", "httpcore")


def set_up_logs(*, env: Environment, level: str, process: str) -> None:
    """Configure logging for this process; `process` names it in every line."""
    shared_steps: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            Limited(),
            with_trace,
            *shared_steps,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    _route_standard_logging(shared_steps, env=env, level=level)
    structlog.contextvars.bind_contextvars(process=process)


def logger(**fields: Any) -> structlog.stdlib.BoundLogger:
    """Return a logger whose lines carry `fields`."""
    bound: structlog.stdlib.BoundLogger = structlog.get_logger(**fields)
    return bound


class Limited:
    """The step that leaves out what was logged too often."""

    def __init__(self) -> None:
        self._same = LogLimit(burst=2)
        self._warnings = LogLimit(burst=10)
        self._news = LogLimit(burst=50, refill_ms=1_000)

    def __call__(
        self, _: Any, level: str, fields: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        """Return the line, or raise DropEvent."""
        if level == "debug":
            return fields
        event = str(fields["event"])
        of_event = self._news if level == "info" else self._warnings
        suppressed = self._same.spend(repr(fields), now_ms=now_ms())
        if suppressed is not None:
            left_out = of_event.spend(event, now_ms=now_ms())
            suppressed = None if left_out is None else suppressed + left_out
        if suppressed is None:
            raise structlog.DropEvent
        if suppressed:
            fields["suppressed"] = suppressed
        return fields


def with_trace(_: Any, __: str, fields: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Add the ids of the span that the line is written in."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        fields["trace_id"] = f"{context.trace_id:032x}"
        fields["span_id"] = f"{context.span_id:016x}"
    return fields


class _ExporterLines(logging.Handler):
    """What OpenTelemetry's exporters complain of: one line a minute, as one event."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._limit = LogLimit(burst=1)

    def emit(self, record: logging.LogRecord) -> None:
        # Of all exporters together: a collector that is gone is gone for spans and metrics alike.
        suppressed = self._limit.spend(EXPORT_FAILED, now_ms=now_ms())
        if suppressed is not None:
            cause = record.getMessage()[:500]
            logger().warning(EXPORT_FAILED, cause=cause, suppressed=suppressed)


def _route_standard_logging(
    steps: list[structlog.typing.Processor], *, env: Environment, level: str
) -> None:
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=steps,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_last_steps(env),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [output]
    root.setLevel(level.upper())
    exporters = logging.getLogger("opentelemetry")
    exporters.handlers, exporters.propagate = [_ExporterLines()], False
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _last_steps(env: Environment) -> list[structlog.typing.Processor]:
    if env == "production":
        return [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_as_json),
        ]
    return [
        structlog.processors.ExceptionPrettyPrinter(),
        structlog.processors.LogfmtRenderer(
            key_order=["timestamp", "level", "event"], bool_as_flag=False
        ),
    ]


def _as_json(fields: Any, **_: Any) -> str:
    return orjson.dumps(fields, default=str).decode()
