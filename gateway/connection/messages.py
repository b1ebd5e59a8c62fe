"""What a client may say, parsed strictly and typed.

Unknown fields are ignored, so that a newer client can talk to an older gateway. Everything
else that is off is refused: a duplicate key or a NaN that two parsers read differently is how
checks get bypassed.
"""

from dataclasses import dataclass

from fanwire.auth.token_size import DEFAULT_TOKEN_BYTES
from fanwire.core.ids import Service, checked_service
from fanwire.core.position import Position, parse_position
from fanwire.errors import BadMessage, shortened
from fanwire.wire.strict_json import NotStrictJson, parse_object


@dataclass(frozen=True, slots=True)
class AuthMessage:
    """A fresh token for this socket."""

    token: str


@dataclass(frozen=True, slots=True)
class AckMessage:
    """What the client's application has taken."""

    positions: dict[Service, Position]


@dataclass(frozen=True, slots=True)
class VisibilityMessage:
    """Whether the client's page is hidden."""

    hidden: bool


@dataclass(frozen=True, slots=True)
class PingMessage:
    """A request for a heartbeat now."""


ClientMessage = AuthMessage | AckMessage | VisibilityMessage | PingMessage


class UnknownType(BadMessage):
    """A `type` that this gateway does not know; tolerated a few times."""


def parse_message(payload: bytes, *, max_token_bytes: int = DEFAULT_TOKEN_BYTES) -> ClientMessage:
    """Return the message in a text frame.

    Raises:
        UnknownType: If `type` is missing, no string or unknown.
        BadMessage: If the frame is not one strict JSON object, or a field is wrong.
    """
    fields = _fields(payload)
    match fields.get("type"):
        case "ack":
            return AckMessage(_positions(fields.get("positions")))
        case "ping":
            return PingMessage()
        case "visibility":
            return VisibilityMessage(_hidden(fields.get("hidden")))
        case "auth":
            return AuthMessage(_token(fields.get("token"), max_token_bytes))
        case other:
            raise UnknownType(f"type {shortened(other)} is not auth, ack, visibility or ping")


def _fields(payload: bytes) -> dict[str, object]:
    try:
        return parse_object(payload)
    except NotStrictJson as error:
        raise BadMessage(str(error)) from None


def _positions(value: object) -> dict[Service, Position]:
    if not isinstance(value, dict):
        raise BadMessage(f"positions is {shortened(value)}, not an object")
    return {checked_service(name): parse_position(text) for name, text in value.items()}


def _hidden(value: object) -> bool:
    if not isinstance(value, bool):
        raise BadMessage(f"hidden is {shortened(value)}, not true or false")
    return value


def _token(value: object, max_bytes: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= max_bytes:
        raise BadMessage(f"token is not a string of 1 to {max_bytes} characters")
    return value
