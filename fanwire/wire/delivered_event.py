"""An event as a subscriber receives it.

`data` is parsed for those who want values; `data_bytes` is what the publisher wrote, byte
for byte, for those who sign, store or compare. The bytes are found in the frame only when
somebody asks, since most consumers never do.

Rejected: keeping a copy of each event's bytes. It doubles the memory of a full queue.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from fanwire.core.position import Position
from fanwire.wire.json_slices import elements

_EVENTS: Final = b'"events":['
_DATA: Final = b',"data":'


class BatchText:
    """The text of a batch frame, cut into its events on first demand; and the frame's trace."""

    __slots__ = ("_events", "_text", "trace")

    def __init__(self, text: bytes, trace: str | None = None) -> None:
        self.trace = trace
        self._text = text
        self._events: list[bytes] | None = None

    def data_of(self, index: int) -> bytes:
        """Return the bytes of the `data` of the event at `index`."""
        if self._events is None:
            self._events = list(elements(self._text, self._text.index(_EVENTS) + len(_EVENTS)))
        # `data` is the last field, and no text before it can hold a bare `"`.
        return self._events[index].partition(_DATA)[2][:-1]


@dataclass(frozen=True, slots=True)
class DeliveredEvent:
    """An event, and where it stands in its service."""

    service: str
    position: Position
    data: Any
    ts_ms: int
    """When Redis took the event."""
    type: str | None = None
    entity_type: str | None = None
    entity_id: str | None = None
    event_id: str | None = None
    property_id: str | None = None
    batch: BatchText | None = field(default=None, repr=False, compare=False)
    index: int = field(default=0, repr=False, compare=False)

    @property
    def data_bytes(self) -> bytes:
        """The very bytes that the publisher wrote as `data`."""
        return b"" if self.batch is None else self.batch.data_of(self.index)

    @property
    def trace(self) -> str | None:
        """The W3C `traceparent` of the batch that it came in, for a span of who handles it."""
        return None if self.batch is None else self.batch.trace

    def dedup_key(self) -> str | None:
        """Return what a repeat of this event would share; None if nothing can tell."""
        if self.event_id is None:
            return None
        return f"{self.service}:{self.entity_type or ''}:{self.event_id}"
