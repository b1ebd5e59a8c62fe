"""The sockets of one topic that get the same bytes.

A frame is written with `os.write` straight to the file descriptor of every socket that keeps
up. It costs 2.5 times less than a transport's `write`, and is allowed exactly as long as the
transport holds nothing back, or bytes would overtake each other. So a socket whose kernel
buffer is full leaves the fast path until its transport has written everything out.

A transport closes its descriptor only after `connection_lost`, and a connection leaves its
audiences there or before; so a descriptor here never belongs to another socket.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from os import write
from typing import Final

from fanwire.core.clock import now_ms
from fanwire.core.ids import Service
from fanwire.core.position import Position, parse_position
from fanwire.core.property_filter import PropertyFilter
from fanwire.core.tiers import Tier
from gateway.connection.connection import Connection
from gateway.connection.lanes import Queued, ReplayPoint
from gateway.websocket.writer import payload_spans

REMEMBERED_COUNT: Final = 32
"""Sixteen seconds of a busy topic, eight times what makes an ack late."""

REMEMBERED_EVERY_MS: Final = 500
"""A quarter of what makes an ack late: by so much may the lag seem too small."""

_PREV: Final = b'"prev":"'


class Audience:
    """Sockets with one filter; `served` is what its next frame names as predecessor."""

    __slots__ = ("_behind", "_keeping_up", "_sent", "served", "service", "tier", "wanted")

    def __init__(
        self, service: Service, tier: Tier, wanted: PropertyFilter, served: Position
    ) -> None:
        self.service = service
        self.tier = tier
        self.wanted = wanted
        self.served = served
        self._keeping_up: dict[int, Connection] = {}
        self._behind: set[Connection] = set()
        self._sent: deque[tuple[Position, float, float]] = deque(maxlen=REMEMBERED_COUNT)
        # Up to where, and when last; one row stands for all that was sent since the third.

    def __len__(self) -> int:
        return len(self._keeping_up) + len(self._behind)

    def __iter__(self) -> Iterator[Connection]:
        return iter([*self._keeping_up.values(), *self._behind])

    def add(self, connection: Connection) -> None:
        """Let `connection` have every frame from now on."""
        if connection.writer.is_behind:
            self._behind.add(connection)
        else:
            self._keeping_up[connection.writer.descriptor] = connection

    def discard(self, connection: Connection) -> None:
        """Let it have none any more; nothing happens if it had none."""
        if self._keeping_up.get(connection.writer.descriptor) is connection:
            del self._keeping_up[connection.writer.descriptor]
        self._behind.discard(connection)

    def moved(self, connection: Connection) -> None:
        """Take note that `connection` fell behind, or caught up."""
        self.discard(connection)
        self.add(connection)

    def broadcast(self, frames: bytes, *, at: Position) -> None:
        """Write the same batches to every socket; the topic stood at `at` before them."""
        size = len(frames)
        cut_short: list[tuple[Connection, int]] = []
        for descriptor, connection in self._keeping_up.items():
            try:
                written = write(descriptor, frames)
            except OSError:
                # Full, or gone; the transport finds out which when it gets the bytes.
                written = 0
            if written != size:
                cut_short.append((connection, written))
        behind = list(self._behind)
        if not (cut_short or behind):
            return
        rows = self._one_by_one(frames, at)
        for connection, written in cut_short:
            self._go_on(connection, rows, written)
        for connection in behind:
            self._go_on(connection, rows, 0)

    def served_up_to(self, position: Position, *, now_ms: float) -> None:
        """Take note that frames up to `position` were broadcast now."""
        self.served = position
        begun_ms = now_ms
        if self._sent and now_ms - self._sent[-1][2] < REMEMBERED_EVERY_MS:
            begun_ms = self._sent.pop()[2]
        self._sent.append((position, now_ms, begun_ms))

    def unacked_since_ms(self, position: Position) -> float | None:
        """Return since when a socket that stands at `position` has had more to take.

        None if it has all. Half a second may be missing; what lies long back is reckoned from the
        oldest that is remembered.
        """
        return next((sent_ms for sent, sent_ms, _ in self._sent if sent > position), None)

    def reset(self, frame: bytes, position: Position) -> None:
        """Tell every socket that it must go on from `position`, instead of what waits for it.

        The frame goes as control does: no shedding may take it away.
        """
        self.served = position
        self._sent.clear()
        # A copy: a socket that is evicted on the way leaves.
        for connection in list(self):
            connection.writer.drop(self.service)
            if connection.is_open:
                connection.write(frame)

    def _one_by_one(self, frames: bytes, at: Position) -> list[Queued]:
        """Return the frames apart: each can be written, dropped and replayed without the rest."""
        queued_ms, place, begin = now_ms(), ReplayPoint(at, self.served), 0
        rows: list[Queued] = []
        for start, end in payload_spans(frames):
            if begin:
                prev = _prev_of(frames, start)
                place = ReplayPoint(prev, prev)
            rows.append(Queued(frames[begin:end], queued_ms, self.tier, self.service, place))
            begin = end
        return rows

    def _go_on(self, connection: Connection, rows: Sequence[Queued], written: int) -> None:
        # Only the frame that the kernel cut in two belongs to the transport; what follows may
        # wait. It may even be too much, and the service be withheld from one row to the next.
        end = 0
        for row in rows:
            start, end = end, end + len(row.frames)
            if start < written < end:
                connection.write_rest(row.frames[written - start :])
            elif start >= written and self in connection.groups:
                connection.queue(row)


def _prev_of(frames: bytes, start: int) -> Position:
    at = frames.index(_PREV, start) + len(_PREV)
    return parse_position(frames[at : frames.index(b'"', at)].decode())
