"""Logs: one event name each, with fields, on stderr.

In production a line is a JSON object, for machines; in dev it is `key=value`, for eyes.
Libraries that log through the standard module come out in the same form. Never logged:
tokens, payloads, URLs with a query (uvicorn's logs are quiet for that reason).
"""

import logging
import sys
from typing import Any, Final

import orjson
import structlog

from shared.setting_types import Environment

_QUIET: Final = ("uvicorn.access", "uvicorn.error", "httpx", "httpcore")


def set_up_logs(*, env: Environment, level: str, process: str) -> None:
    """Configure logging for this process; `process` names it in every line."""
    shared_steps: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared_steps, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
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
