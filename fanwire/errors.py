"""Every error that a user of Fanwire can meet, in one table.

An error carries what a program needs (`code`, `name`, `retryable`) and what a person needs
(the message with the values, and `remedy`). `code` is the WebSocket close code where the
socket ends with it; over HTTP the same error travels under `http_status`.
`contract/close_codes.json` and docs/errors.md are generated from here.
"""

from collections.abc import Sequence
from typing import ClassVar, Final


class RealtimeError(Exception):
    """Base of all errors; `as_dict` is its form on every wire."""

    code: ClassVar[int] = 1011
    name: ClassVar[str] = "internal"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = True
    remedy: ClassVar[str] = "Try again; if it stays, look into the server's log."

    def __init__(self, message: str, *, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_ms = retry_after_ms
        self.entry_ids: Sequence[str | None] = ()
        """Of a publish that failed: the entry ids of its first events, in order, and None for each
        of which it is not known that it was written."""

    def as_dict(self) -> dict[str, object]:
        """Return `{code, name, message, retryable, remedy}` and `retryAfterMs` if known."""
        fields: dict[str, object] = {
            "code": self.code,
            "name": self.name,
            "message": self.message,
            "retryable": self.retryable,
            "remedy": self.remedy,
        }
        if self.retry_after_ms is not None:
            fields["retryAfterMs"] = self.retry_after_ms
        return fields


class BadMessage(RealtimeError):
    """A frame, a parameter or a body that breaks the protocol."""

    code = 4400
    name = "bad_message"
    http_status = 400
    retryable = False
    remedy = "Correct the message; the protocol is described in docs/protocol.md."


class InvalidId(BadMessage):
    """An org, service or user id outside the allowed alphabet."""

    name = "invalid_id"
    remedy = "Use 1 to 63 of A-Z a-z 0-9 . _ - and begin with a letter or digit."

    def __init__(self, *, what: str, value: object) -> None:
        super().__init__(f"{what} id {shortened(value)} is not allowed")


class InvalidPosition(BadMessage):
    """A resume position that does not spell `<epoch>-<seq>`."""

    name = "invalid_position"
    remedy = "Resume from a position that a frame named, unchanged; or subscribe without one."

    def __init__(self, value: object) -> None:
        super().__init__(f"position {shortened(value)} is not <epoch>-<seq>")


class InvalidEvent(BadMessage):
    """An event that a publisher may not send; nothing was written."""

    name = "invalid_event"
    remedy = "Send data as JSON of at most 65536 bytes and ids of at most 128."


class TokenInUrl(BadMessage):
    """A token in the query string, where logs and proxies would keep it."""

    name = "token_in_url"
    remedy = "Send the token as the subprotocol `rt.token.<jwt>` or as a Bearer header."


class Unauthorized(RealtimeError):
    """The token is missing, wrong or expired. The cause is for logs alone."""

    code = 4401
    name = "unauthorized"
    http_status = 401
    remedy = "Fetch a fresh token and connect again."

    def __init__(self, cause: str) -> None:
        super().__init__("the token is not accepted")
        self.cause = cause


class Forbidden(RealtimeError):
    """The token is good but does not allow this. Unknown and forbidden answer alike."""

    code = 4403
    name = "forbidden"
    http_status = 403
    retryable = False
    remedy = "Ask only for the services and properties that the token lists."


class NotFound(RealtimeError):
    """What was addressed does not exist for this caller."""

    code = 4404
    name = "not_found"
    http_status = 404
    retryable = False
    remedy = "Use the connectionId of an open socket of your own, from its hello frame."


class RequestTimeout(RealtimeError):
    """The request's body did not arrive in time."""

    code = 4408
    name = "request_timeout"
    http_status = 408
    remedy = "Send the whole body within 10 s."


class StaleVersion(RealtimeError):
    """`ifVersion` is not the current version of the subscription."""

    code = 4409
    name = "stale_version"
    http_status = 409
    remedy = "Read the current version from the answer, decide again, and repeat."

    def __init__(self, *, expected: int, current: int) -> None:
        super().__init__(f"ifVersion {expected} is stale, the version is {current}")
        self.current = current

    def as_dict(self) -> dict[str, object]:
        """Return the error and the current `version`."""
        return super().as_dict() | {"version": self.current}


class SlowConsumer(RealtimeError):
    """The socket read too slowly for what it must not miss."""

    code = 4410
    name = "slow_consumer"
    http_status = 503
    remedy = "Resume from the last position; subscribe to less, or handle events faster."


class TooManyServices(RealtimeError):
    """More services than one socket may hold."""

    code = 4413
    name = "too_many_services"
    http_status = 400
    retryable = False
    remedy = "Subscribe to the services that the page shows; `limits.services` is the most."

    def __init__(self, *, count: int, limit: int) -> None:
        super().__init__(f"{count} services asked for, at most {limit} are allowed")


class BodyTooLarge(RealtimeError):
    """A request body over the limit."""

    code = 4414
    name = "body_too_large"
    http_status = 413
    retryable = False
    remedy = "Send a smaller body."


class UnsupportedMediaType(RealtimeError):
    """A body that is not declared as plain UTF-8 JSON."""

    code = 4415
    name = "unsupported_media_type"
    http_status = 415
    retryable = False
    remedy = "Send `Content-Type: application/json` in UTF-8, without Content-Encoding."


class InvalidBody(RealtimeError):
    """A JSON body with missing, unknown or wrong fields."""

    code = 4422
    name = "invalid_body"
    http_status = 422
    retryable = False
    remedy = "Correct the fields that the message names."


class RateLimited(RealtimeError):
    """Too many messages, requests or sockets from one caller."""

    code = 4429
    name = "rate_limited"
    http_status = 429
    remedy = "Wait for retryAfterMs and send less often."


class Draining(RealtimeError):
    """The node is leaving; any other node will serve."""

    code = 1012
    name = "draining"
    http_status = 503
    remedy = "Connect again after retryAfterMs and resume."


class Kicked(Draining):
    """An operator closed this socket; the session may go on at any node."""

    name = "kicked"
    remedy = "Connect again with back-off and resume."


class Overloaded(RealtimeError):
    """The node cannot serve this now: it is full, or it cannot reach Redis."""

    code = 1013
    name = "overloaded"
    http_status = 503
    remedy = "Connect again after retryAfterMs with back-off and resume."


class Disabled(Overloaded):
    """An operator has switched realtime off; live, by a flag, or in the environment."""

    name = "disabled"
    remedy = "Poll over HTTP meanwhile, and connect again after retryAfterMs."


class Busy(RealtimeError):
    """Unread events have reached the high-water mark; the event was not accepted."""

    code = 4503
    name = "busy"
    http_status = 503
    remedy = "Wait, then publish again with the same eventId; check that a fanout worker runs."


class NotReplicated(RealtimeError):
    """The event is on the primary, but too few replicas confirmed it in time."""

    code = 4504
    name = "not_replicated"
    http_status = 503
    remedy = "Publish again with the same eventId; repeats within 5 minutes collapse to one."


class Unreachable(RealtimeError):
    """No answer from Redis or from a gateway."""

    code = 4505
    name = "unreachable"
    http_status = 503
    remedy = "Check the address and that the server runs."


class RedisRefused(RealtimeError):
    """Redis answered a command with an error that trying again does not mend."""

    code = 4506
    name = "redis_refused"
    http_status = 503
    retryable = False
    remedy = "Check that the URL leads to the right server and the key holds the right type."


class RedisUnauthorized(RealtimeError):
    """Redis does not accept the login, or the user may not do this."""

    code = 4507
    name = "redis_unauthorized"
    http_status = 503
    retryable = False
    remedy = "Check the user and password in the Redis URL, and the user's ACL."


CLOSE_CODES: Final[tuple[type[RealtimeError], ...]] = (
    Draining,
    Overloaded,
    BadMessage,
    Unauthorized,
    Forbidden,
    SlowConsumer,
    TooManyServices,
    RateLimited,
)
"""What a gateway closes a socket with."""

ALL_ERRORS: Final[tuple[type[RealtimeError], ...]] = (
    *CLOSE_CODES,
    InvalidId,
    InvalidPosition,
    InvalidEvent,
    TokenInUrl,
    NotFound,
    RequestTimeout,
    StaleVersion,
    BodyTooLarge,
    UnsupportedMediaType,
    InvalidBody,
    Kicked,
    Disabled,
    Busy,
    NotReplicated,
    Unreachable,
    RedisRefused,
    RedisUnauthorized,
    RealtimeError,
)


def shortened(
    value: object,
    limit: int = 64,  # nearly all of the longest id; a message stays a line
) -> str:
    """Return `value` quoted for a message, cut so that a hostile one cannot flood a log."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}…"
