"""Errors that a server told us, as the exceptions they were there.

A server sends `{code, name, message, retryable, remedy}`; the name finds the class. A name
that this version does not know becomes a plain RealtimeError with the server's own words.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from fanwire.close_codes import rule_of
from fanwire.errors import (
    ALL_ERRORS,
    BadMessage,
    Forbidden,
    NotFound,
    Overloaded,
    RateLimited,
    RealtimeError,
    StaleVersion,
    Unauthorized,
)

_BY_NAME: Final = {error.name: error for error in ALL_ERRORS}

_BY_STATUS: Final[dict[int, type[RealtimeError]]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    429: RateLimited,
}
"""For an answer without our body, such as a balancer's: the errors that such a status
means."""


def error_from_dict(fields: Mapping[str, Any]) -> RealtimeError:
    """Return the error that a server's answer or `error` frame describes."""
    name = fields.get("name")
    kind = _BY_NAME.get(name) if isinstance(name, str) else None
    message = str(fields.get("message", "no message"))
    retry_after_ms = fields.get("retryAfterMs")
    if kind is None:
        return _rebuilt(RealtimeError, f"{name}: {message}", retry_after_ms)
    error = _rebuilt(kind, message, retry_after_ms)
    if isinstance(error, StaleVersion):
        error.current = int(fields.get("version", 0))
    return error


def error_of_close(code: int, reason: str) -> RealtimeError:
    """Return the error that a close code stands for, with the server's reason as its text."""
    rule = rule_of(code)
    text = reason or f"closed with code {code}"
    return _rebuilt(RealtimeError if rule is None else rule.error, text, None)


def _rebuilt(kind: type[RealtimeError], message: str, retry_after_ms: int | None) -> RealtimeError:
    # The constructors of some errors compose the message from values that only the server
    # had; here the message is finished already.
    error = kind.__new__(kind)
    RealtimeError.__init__(error, message, retry_after_ms=retry_after_ms)
    if isinstance(error, Unauthorized):
        error.cause = message
    return error


def error_of_response(status: int, body: bytes, retry_after: str | None) -> RealtimeError:
    """Return the error that an HTTP answer other than 2xx or 101 stands for."""
    fields = _object(body)
    if isinstance(fields.get("name"), str):
        error = error_from_dict(fields)
    else:
        # Not one of our servers answered, but something on the way to them.
        kind = _BY_STATUS.get(status, Overloaded if status >= 500 else BadMessage)
        error = _rebuilt(kind, f"HTTP status {status}", None)
    if error.retry_after_ms is None and retry_after is not None and retry_after.isdecimal():
        error.retry_after_ms = int(retry_after) * 1000
    return error


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return fields if isinstance(fields, dict) else {}
