"""The sockets of one topic that get the same bytes.

A frame is written with `os.write` straight to the file descriptor of every socket that keeps
up. It costs 2.5 times less than a transport's `write`, and is allowed exactly as long as the
transport holds nothing back, or bytes would overtake each other. So a socket whose kernel
buffer is full leaves the fast path until its transport has written everything out.

A transport closes its descriptor only after `connection_lost`, and a connection leaves its
audiences there or before; so a descriptor here never belongs to another socket.
"""

from collections.abc import Iterator
from os import write

from fanwire.ids import Service
from fanwire.position import Position
from fanwire.property_filter import PropertyFilter
from fanwire.tiers import Tier
from gateway.outbound import Outbound
from gateway.policy.lanes import Place, Queued
from shared.runtime import now_ms


class Audience:
    """Sockets with one filter; `served` is what its next frame names as predecessor."""

    __slots__ = ("_behind", "_keeping_up", "served", "service", "tier", "wanted")

    def __init__(
        self, service: Service, tier: Tier, wanted: PropertyFilter, served: Position
    ) -> None:
        self.service = service
        self.tier = tier
        self.wanted = wanted
        self.served = served
        self._keeping_up: dict[int, Outbound] = {}
        self._behind: set[Outbound] = set()

    def __len__(self) -> int:
        return len(self._keeping_up) + len(self._behind)

    def __iter__(self) -> Iterator[Outbound]:
        return iter([*self._keeping_up.values(), *self._behind])

    def add(self, connection: Outbound) -> None:
        """Let `connection` have every frame from now on."""
        if connection.is_behind:
            self._behind.add(connection)
        else:
            self._keeping_up[connection.descriptor] = connection

    def discard(self, connection: Outbound) -> None:
        """Let it have none any more; nothing happens if it had none."""
        if self._keeping_up.get(connection.descriptor) is connection:
            del self._keeping_up[connection.descriptor]
        self._behind.discard(connection)

    def moved(self, connection: Outbound) -> None:
        """Take note that `connection` fell behind, or caught up."""
        self.discard(connection)
        self.add(connection)

    def broadcast(self, frames: bytes, *, at: Position) -> None:
        """Write the same bytes to every socket; the topic stood at `at` before them."""
        size = len(frames)
        cut_short: list[tuple[Outbound, int]] = []
        for descriptor, connection in self._keeping_up.items():
            try:
                written = write(descriptor, frames)
            except OSError:
                # Full, or gone; the transport finds out which when it gets the bytes.
                written = 0
            if written != size:
                cut_short.append((connection, written))
        behind = list(self._behind)
        for connection, written in cut_short:
            connection.write_rest(frames[written:])
        if behind:
            queued = self.queued(frames, at=at)
            for connection in behind:
                connection.queue(queued)

    def queued(self, frames: bytes, *, at: Position) -> Queued:
        """Return frames of this audience as they wait for a socket that is behind."""
        return Queued(frames, now_ms(), self.tier, self.service, Place(at, self.served))

    def forget_waiting(self) -> None:
        """Drop what waits for sockets that are behind: a reset takes its place."""
        for connection in self._behind:
            connection.drop(self.service)
