"""What a client does with each frame: hand over, drop, admit a gap, or resume.

The server keeps the chain; these rules are the second line. A batch at or before my position
was seen: drop it. One that follows a position I have reached: apply it. One that follows a
position I have not reached: something in between was lost, so resume from mine.

A session outlives its sockets: positions and recent ids stay when a connection ends.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fanwire.core.position import ZERO, Position
from fanwire.subscribe.recent_ids import RecentIds
from fanwire.wire.decode import (
    BatchFrame,
    HeartbeatFrame,
    HelloFrame,
    ResetFrame,
    ServerFrame,
    SubscriptionsFrame,
)
from fanwire.wire.delivered_event import DeliveredEvent
from fanwire.wire.encode import ServiceState

UNRECOVERED = "unrecovered"


@dataclass(frozen=True, slots=True)
class Gap:
    """Events of a service up to `position` may be missing: fetch its state again."""

    service: str
    reason: str
    position: Position


@dataclass(frozen=True, slots=True)
class Moved:
    """All up to `position` has been handed over: from here a later session may resume."""

    service: str
    position: Position


@dataclass(frozen=True, slots=True)
class Resume:
    """The chain is broken: connect again from the positions of the session."""

    service: str
    mine: Position
    prev: Position


Update = DeliveredEvent | Gap | Moved


class Session:
    """Where a subscriber stands in each of its services."""

    def __init__(self, resume_from: Mapping[str, Position] | None = None) -> None:
        self._positions = dict(resume_from or {})
        self._ids: dict[str, RecentIds] = {}
        self._owed: dict[str, None] = {}
        """Services that the server could not resume and whose reset has not come yet."""
        self.suppressed_count = 0
        """Events that came again and were not handed over again."""
        self.conflated_count = 0
        """Events that never came: under pressure later ones of the same entity replaced them."""

    @property
    def positions(self) -> Mapping[str, Position]:
        """From where each service goes on."""
        return self._positions

    def receive(self, frame: ServerFrame) -> list[Update] | Resume:
        """Return what the app must be told because of `frame`."""
        match frame:
            case BatchFrame():
                return self._batch(frame)
            case HelloFrame():
                return self._hello(frame.services)
            case SubscriptionsFrame():
                return self._subscriptions(frame.services)
            case ResetFrame():
                return self._reset(Gap(frame.service, frame.reason, frame.position))
            case HeartbeatFrame():
                return [*self._overdue_gaps(self._owed), *self._heartbeat(frame.positions)]
            case _:
                return []

    def _batch(self, batch: BatchFrame) -> list[Update] | Resume:
        mine = self._positions.get(batch.service)
        # None: unsubscribed a moment ago, and the batch was on its way.
        if mine is None or batch.position <= mine:
            self.suppressed_count += len(batch.events)
            return []
        if batch.prev > mine:
            return Resume(batch.service, mine, batch.prev)
        gaps = self._overdue_gaps([batch.service])
        ids = self._ids.setdefault(batch.service, RecentIds())
        fresh = [event for event in batch.events if event.position > mine and _is_new(event, ids)]
        self.suppressed_count += len(batch.events) - len(fresh)
        self.conflated_count += batch.conflated
        return [*gaps, *fresh, self._move(batch.service, batch.position)]

    def _hello(self, services: Iterable[ServiceState]) -> list[Update]:
        before, self._positions = self._positions, {}
        moved: list[Update] = []
        for service in services:
            name, position = service.name, service.position or before.get(service.name, ZERO)
            self._positions[name] = position
            if name in before and not _is_recovered(service, before[name]):
                self._owed[name] = None
            else:
                # An earlier socket may have ended between its hello and the reset that it
                # announced. This one goes on from behind the gap and sends no reset for it.
                moved += self._overdue_gaps([name]) or [Moved(name, position)]
        self._forget_owed()
        return moved

    def _subscriptions(self, services: Iterable[ServiceState]) -> list[Update]:
        before, self._positions = self._positions, {}
        moved: list[Update] = []
        for service in services:
            mine = before.get(service.name, ZERO)
            # Under a new filter the next batch names the head as its predecessor; all that
            # was mine under the old one has been written before this frame.
            self._positions[service.name] = max(mine, service.position or ZERO)
            if self._positions[service.name] != mine:
                moved.append(Moved(service.name, self._positions[service.name]))
        self._forget_owed()
        return moved

    def _forget_owed(self) -> None:
        # A service that was left is owed no gap, also when it is taken up again later.
        self._owed = {name: None for name in self._owed if name in self._positions}

    def _reset(self, gap: Gap) -> list[Update]:
        self._owed.pop(gap.service, None)
        if gap.service not in self._positions:
            return []
        # After a gap the app starts from fetched state. An event that comes again is then
        # news to it, and to drop it as a repeat could lose it.
        self._ids.pop(gap.service, None)
        return [gap, self._move(gap.service, gap.position)]

    def _heartbeat(self, heads: Mapping[str, Position]) -> list[Update]:
        return [
            self._move(service, head)
            for service, head in heads.items()
            if service in self._positions and head > self._positions[service]
        ]

    def _overdue_gaps(self, services: Iterable[str]) -> list[Update]:
        # The server went on without the reset that hello announced: admit the gap ourselves.
        updates: list[Update] = []
        for service in [name for name in services if name in self._owed]:
            updates += self._reset(Gap(service, UNRECOVERED, self._positions[service]))
        return updates

    def _move(self, service: str, position: Position) -> Moved:
        self._positions[service] = position
        return Moved(service, position)


def _is_recovered(service: ServiceState, mine: Position) -> bool:
    if service.recovered is None:
        return service.position == mine
    return service.recovered


def _is_new(event: DeliveredEvent, ids: RecentIds) -> bool:
    key = event.dedup_key()
    if ids.is_repeat(key):
        return False
    ids.remember(key)
    return True
