"""What a socket gets of a run of batches: whole frames, or what its filter lets through.

Live delivery and replay both come here, so a filter cannot mean one thing live and another
after a reconnect. Without a filter the stored bytes go out as they are. With one, each frame
names as predecessor the position up to which the filter was served: a batch of which nothing
passed is then no hole to the client.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fanwire.core.position import Position
from fanwire.core.property_filter import PropertyFilter
from fanwire.wire.encode import Slice, cut_batch, decode_index
from gateway.delivery.log_entry import LogEntry
from gateway.websocket.writer import text_frame


@dataclass(frozen=True, slots=True)
class BatchRun:
    """Consecutive batches of one topic, their indexes decoded once for all filters."""

    service: str
    entries: Sequence[LogEntry]
    slices: Sequence[Sequence[Slice] | None]

    @property
    def event_count(self) -> int:
        """How many events all batches have."""
        return sum(entry.event_count for entry in self.entries)

    @classmethod
    def of(cls, service: str, entries: Sequence[LogEntry]) -> "BatchRun":
        """Return the run of `entries`, which must be a chain."""
        return cls(service, entries, [decode_index(e.index) if e.index else None for e in entries])


@dataclass(frozen=True, slots=True)
class FilteredFrames:
    """Finished frames, empty if nothing passed, and the position up to which they serve."""

    frames: bytes
    served: Position
    frame_count: int
    event_count: int


def whole(entries: Sequence[LogEntry]) -> bytes:
    """Return the frames of all entries, for sockets without a filter."""
    return b"".join([text_frame(entry.body) for entry in entries])


def uncut(entries: Sequence[LogEntry]) -> FilteredFrames:
    """Return the same as a cut that lets everything through."""
    return FilteredFrames(
        whole(entries),
        entries[-1].position,
        len(entries),
        sum(entry.event_count for entry in entries),
    )


def cut(run: BatchRun, wanted: PropertyFilter, *, served: Position) -> FilteredFrames:
    """Return what of `run` passes `wanted`, for sockets served up to `served`."""
    if wanted is None:
        return uncut(run.entries)
    frames: list[bytes] = []
    event_count = 0
    for entry, slices in zip(run.entries, run.slices, strict=True):
        part = cut_batch(
            entry.body,
            slices,
            service=run.service,
            stored_prev=entry.prev,
            prev=served,
            wanted=wanted,
        )
        if part is not None:
            frames.append(text_frame(part.body))
            event_count += entry.event_count if part.event_count is None else part.event_count
            served = entry.position
    return FilteredFrames(b"".join(frames), served, len(frames), event_count)
