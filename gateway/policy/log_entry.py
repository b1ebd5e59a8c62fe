"""One batch as the replay log keeps it."""

from dataclasses import dataclass

from fanwire.position import Position


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A batch with its place in the chain. `body` is a finished frame body."""

    position: Position
    prev: Position
    event_count: int
    body: bytes
    index: bytes | None = None
    """Where each event lies in `body` and of which property; None if none has one."""
