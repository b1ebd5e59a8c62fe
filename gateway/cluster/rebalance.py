"""How many sockets a gateway sends elsewhere because it has more than its share.

A balancer places new connections only; sockets live for hours. Without this a gateway that was
added, or replaced, would stay idle beside full neighbours. Each gateway judges for itself, by
the counts in everybody's heartbeats: one that is well above the mean gives away a part of what
is too much, looks again, and stops near the mean. The two thresholds differ, so that it does not
begin again for a handful of sockets.

It holds whenever the counts may mislead: while a node leaves, is unready, silent or new. And it
gives away at most thrice what was too much: if the sockets come back to where they were, the
balancer is at fault, and its clients must not be moved about for ever.

Rejected: a leader that plans all moves. It would need an election and a failover for what a
slow, local rule settles; and shedding in one go, which is the wave that draining avoids.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import Final

LARGEST_PART: Final = 0.5
"""Of the surplus, between two looks: the counts of the others are some seconds old."""
MOST_MOVES: Final = 3
"""For each socket too many. A balancer that places at random gives every other one back to one
of two gateways, and so needs two."""


@dataclass(frozen=True, slots=True)
class RebalanceLimits:
    """When it begins and ends, and how fast it may be."""

    begin_above: float = 0.2
    """Share above the mean."""
    end_above: float = 0.05
    """Far enough below `begin_above` not to begin again at once."""
    window_ms: float = 120_000
    """Over which all but a few percent of a surplus are given away."""
    per_s: float = 20
    """A hundredth of the connects that a core takes (docs/operations.md), so the rest go on."""
    fewest: int = 100
    """A gateway with fewer sockets keeps them."""
    silent_ms: float = 15_000
    """A node whose heartbeat stands still for so long is not counted on."""

    @property
    def settling_ms(self) -> float:
        """How long the same nodes must have been there."""
        return max(self.window_ms / 2, self.silent_ms)

    @property
    def rest_ms(self) -> float:
        """How long nothing is tried again after it did not help."""
        return 10 * self.window_ms


@dataclass(frozen=True, slots=True)
class Peer:
    """Another gateway, by its heartbeat."""

    node: str
    beat_ms: int
    """By its own clock, and so only compared with its other beats."""
    up_ms: float
    """For how long it has been running."""
    connections: int
    is_ready: bool = True


@dataclass(frozen=True, slots=True)
class Shed:
    """Give away so many sockets until the next look."""

    count: int


@dataclass(frozen=True, slots=True)
class _Seen:
    """The latest heartbeat of a peer, and since when it stands still."""

    peer: Peer
    since_ms: float


class Hold(Enum):
    """Keep all sockets, and why."""

    FEW = "it has few sockets"
    ALONE = "there is no other gateway"
    SILENT = "a gateway is silent"
    UNREADY = "a gateway leaves or is not ready"
    SETTLING = "the gateways have changed"
    LEVEL = "it has its share"
    VAIN = "the sockets that it gave away came back"


class Rebalance:
    """What one gateway remembers from look to look."""

    def __init__(self, limits: RebalanceLimits) -> None:
        self._limits = limits
        self._seen: dict[str, _Seen] = {}
        self._changed_ms: float | None = None
        self._left: float | None = None
        """What may still be given away in this spell; None outside one."""
        self._resting_until_ms = 0.0

    def judge(
        self, own: int, peers: Collection[Peer], *, interval_ms: float, now_ms: float
    ) -> Shed | Hold:
        """Return what to do until the next look, which is `interval_ms` away."""
        doubt = self._doubt(peers, now_ms)
        if doubt is not None:
            self._left = None
            return doubt
        if own < self._limits.fewest:
            return Hold.FEW
        mean = (own + sum(peer.connections for peer in peers)) / (len(peers) + 1)
        return self._share_out(own, mean, interval_ms=interval_ms, now_ms=now_ms)

    def _doubt(self, peers: Collection[Peer], now_ms: float) -> Hold | None:
        self._note(peers, now_ms)
        if not peers:
            return Hold.ALONE
        if any(now_ms - seen.since_ms > self._limits.silent_ms for seen in self._seen.values()):
            return Hold.SILENT
        if not all(peer.is_ready for peer in peers):
            return Hold.UNREADY
        if self._changed_ms is None or now_ms - self._changed_ms < self._limits.settling_ms:
            return Hold.SETTLING
        return None

    def _note(self, peers: Collection[Peer], now_ms: float) -> None:
        seen = {peer.node: self._see(peer, now_ms) for peer in peers}
        is_same = seen.keys() == self._seen.keys() and not any(
            # Started again under its old name: another one, and empty.
            peer.up_ms < self._seen[peer.node].peer.up_ms
            for peer in peers
        )
        if self._changed_ms is None or not is_same:
            self._changed_ms = now_ms
        self._seen = seen

    def _see(self, peer: Peer, now_ms: float) -> _Seen:
        known = self._seen.get(peer.node)
        return known if known and known.peer.beat_ms == peer.beat_ms else _Seen(peer, now_ms)

    def _share_out(
        self, own: int, mean: float, *, interval_ms: float, now_ms: float
    ) -> Shed | Hold:
        surplus = own - mean
        if self._left is None:
            if own <= mean * (1 + self._limits.begin_above):
                return Hold.LEVEL
            if now_ms < self._resting_until_ms:
                return Hold.VAIN
            self._left = MOST_MOVES * surplus
        if own <= mean * (1 + self._limits.end_above):
            self._left = None
            return Hold.LEVEL
        if self._left < 1:
            self._left, self._resting_until_ms = None, now_ms + self._limits.rest_ms
            return Hold.VAIN
        count = min(self._portion(surplus, interval_ms), int(self._left))
        self._left -= count
        return Shed(count)

    def _portion(self, surplus: float, interval_ms: float) -> int:
        part = min(3 * interval_ms / self._limits.window_ms, LARGEST_PART)
        fastest = max(1, int(self._limits.per_s * interval_ms / 1000))
        return min(ceil(part * surplus), fastest)
