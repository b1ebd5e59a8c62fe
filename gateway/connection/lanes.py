"""Frames that wait for one lagging socket, a lane per tier and one for control.

Bound: the caller looks at `used_bytes` after each offer and sheds by tier; the lanes themselves
give nothing up unasked, because what is dropped must be told or replayed, and they can do
neither. Order is kept within a lane, and so within a service, since a service is of one tier.

The highest lane goes first, but every eighth frame is taken from the lowest that waits: strict
order would starve it for as long as the upper ones are never empty.
"""

from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from fanwire.core.ids import Service
from fanwire.core.position import Position
from fanwire.core.tiers import Tier
from gateway.connection.conflation import conflate

LOWEST_SHARE: Final = 8
"""An eighth keeps the lowest lane moving and costs the others little."""

_ORDER: Final = (None, Tier.CRITICAL, Tier.HIGH, Tier.NORMAL, Tier.LOW)


@dataclass(frozen=True, slots=True)
class ReplayPoint:
    """Where a socket stands in a topic: in its log, and in what its filter let through."""

    at: Position
    served: Position


@dataclass(frozen=True, slots=True)
class Queued:
    """Whole frames. `tier`, `service` and `before` are None for control frames."""

    frames: bytes
    queued_ms: float
    tier: Tier | None = None
    service: Service | None = None
    before: ReplayPoint | None = None
    """Where the socket stood before these frames: from there they can be replayed."""


class Lanes:
    """What one socket has not been written yet."""

    __slots__ = ("_lanes", "_takes", "bytes_by_tier", "used_bytes")

    def __init__(self) -> None:
        self._lanes: dict[Tier | None, deque[Queued]] = {tier: deque() for tier in _ORDER}
        self._takes = 0
        self.bytes_by_tier: dict[Tier | None, int] = dict.fromkeys(_ORDER, 0)
        self.used_bytes = 0

    def __bool__(self) -> bool:
        return any(self._lanes.values())

    def offer(self, queued: Queued) -> None:
        """Queue frames behind those of their lane."""
        self._lanes[queued.tier].append(queued)
        self._count(queued.tier, len(queued.frames))

    def pop(self) -> Queued | None:
        """Remove and return what is to be written next, None if nothing waits."""
        waiting = [lane for lane in self._lanes.values() if lane]
        if not waiting:
            return None
        self._takes += 1
        control = self._lanes[None]
        lowest_is_due = self._takes % LOWEST_SHARE == 0 and not control
        queued = (waiting[-1] if lowest_is_due else waiting[0]).popleft()
        self._count(queued.tier, -len(queued.frames))
        return queued

    def oldest_ms(self) -> float | None:
        """Return when the frame that has waited the longest was queued."""
        return min((lane[0].queued_ms for lane in self._lanes.values() if lane), default=None)

    def holds(self, service: Service) -> bool:
        """Tell whether frames of `service` wait."""
        return any(queued.service == service for lane in self._lanes.values() for queued in lane)

    def drop(self, service: Service) -> ReplayPoint | None:
        """Remove the frames of `service`; return where its socket stood before them."""
        first: ReplayPoint | None = None
        for tier, lane in self._lanes.items():
            dropped = [queued for queued in lane if queued.service == service]
            if dropped:
                first = first or dropped[0].before
                self._lanes[tier] = deque(q for q in lane if q.service != service)
                self._count(tier, -sum(len(queued.frames) for queued in dropped))
        return first

    def keep_control(self) -> None:
        """Remove all batches, as before a close."""
        control = self._lanes[None]
        self._lanes = {tier: deque() for tier in _ORDER} | {None: control}
        self.used_bytes = self.bytes_by_tier[None]
        self.bytes_by_tier = dict.fromkeys(_ORDER, 0) | {None: self.used_bytes}

    def conflate(self, tier: Tier) -> int:
        """Merge what waits in a lane to the latest event per entity; return how many gave way."""
        by_service: dict[Service | None, list[Queued]] = {}
        for queued in self._lanes[tier]:
            by_service.setdefault(queued.service, []).append(queued)
        merged: deque[Queued] = deque()
        left_out = 0
        for of_service in by_service.values():
            frames, count = conflate([queued.frames for queued in of_service])
            if count:
                left_out += count
                merged.append(replace(of_service[0], frames=frames))
            else:
                # What lost no event stays the bytes that it shares with other sockets.
                merged.extend(of_service)
        self._count(tier, sum(len(q.frames) for q in merged) - self.bytes_by_tier[tier])
        self._lanes[tier] = merged
        return left_out

    def _count(self, tier: Tier | None, more_bytes: int) -> None:
        self.bytes_by_tier[tier] += more_bytes
        self.used_bytes += more_bytes
