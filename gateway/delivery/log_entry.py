"""One batch as the replay log keeps it."""

from dataclasses import dataclass
from typing import Final

from fanwire.core.position import Position

_TS: Final = b',"ts":'


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A batch with its place in the chain. `body` is a finished frame body."""

    position: Position
    prev: Position
    event_count: int
    body: bytes
    index: bytes | None = None
    """Where each event lies in `body` and of which property; None if none has one."""
    trace: str | None = None
    """The context of its commit, as W3C `traceparent`."""


def oldest_event_ms(body: bytes) -> int | None:
    """Return when Redis took the first event of a batch, None if the body does not tell.

    A text of an event cannot be mistaken for it: inside one, quotes are escaped.
    """
    start = body.find(_TS) + len(_TS)
    if start < len(_TS):
        return None
    digits = body[start : body.find(b",", start)]
    return int(digits) if digits.isdigit() else None
