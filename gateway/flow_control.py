"""What each socket gets less of, and how it is made whole again.

A service is withheld from a socket because its tier is shed (quarantine), because the page is
hidden, or because it is switched off. All three work alike: the socket leaves the topic, what
waits of it is dropped, and the place is kept; afterwards a catch-up goes on from there, or a
reset says that it cannot. Nothing is missed in silence.

Only sockets that lag are looked at, once a second; one that keeps up costs nothing here.
"""

import asyncio
import time
from typing import Final

import structlog

from fanwire.errors import RealtimeError
from fanwire.ids import Service
from fanwire.keys import Topic
from fanwire.position import Position
from fanwire.switches import all_off
from fanwire.tiers import Tier, Tiers
from fanwire.wire import encode_quarantine, encode_reset
from gateway.catch_up import CatchUps, wanted_by
from gateway.connection import NOTHING_SHED, Connection
from gateway.flow_counters import FlowCounters
from gateway.hub import HeldTopic, Hub
from gateway.live_feed import LiveFeed
from gateway.policy.chain import ResetReason
from gateway.policy.lanes import Place
from gateway.policy.quarantine import (
    Cleared,
    Conflate,
    Entered,
    Load,
    Quarantine,
    QuarantineLimits,
)
from gateway.round_trips import RedisUnavailable
from gateway.switchboard import Switchboard
from shared.runtime import now_ms

log = structlog.get_logger()

CHECK_S: Final = 1.0
LONGEST_REPLAY_EVENTS: Final = 5_000
_HIDDEN_SHEDS: Final = frozenset({Tier.NORMAL, Tier.LOW})


class FlowControl:
    """Watches over the sockets that lag, and withholds services; `run` must be running."""

    def __init__(
        self,
        hub: Hub,
        feed: LiveFeed,
        catch_ups: CatchUps,
        switchboard: Switchboard,
        tiers: Tiers,
        limits: QuarantineLimits,
    ) -> None:
        self._hub = hub
        self._feed = feed
        self._catch_ups = catch_ups
        self._switchboard = switchboard
        self._tiers = tiers
        self._limits = limits
        self._watched: dict[Connection, Quarantine] = {}
        self._ack_lag_ms: dict[Connection, float] = {}
        self._restoring: asyncio.TaskGroup | None = None
        self.counters = FlowCounters()

    @property
    def quarantined_count(self) -> int:
        """Return how many sockets are in quarantine now."""
        return sum(1 for quarantine in self._watched.values() if quarantine.shed)

    async def run(self) -> None:
        """Check the watched sockets until cancelled."""
        async with asyncio.TaskGroup() as self._restoring:
            while True:
                await asyncio.sleep(CHECK_S)
                for connection, quarantine in list(self._watched.items()):
                    self._check(connection, quarantine)

    def watch(self, connection: Connection) -> None:
        """Look at a socket that fell behind or whose acks lag."""
        if connection not in self._watched:
            self._watched[connection] = Quarantine(self._limits)

    def forget(self, connection: Connection) -> None:
        """Stop watching a socket that ended."""
        self._watched.pop(connection, None)
        self._ack_lag_ms.pop(connection, None)
        connection.withheld = None

    def acked(self, connection: Connection, lag_ms: float) -> None:
        """Take note of how far a socket's acks lag."""
        if lag_ms > self._limits.ack_lag_ms:
            self._ack_lag_ms[connection] = lag_ms
            self.watch(connection)
        else:
            self._ack_lag_ms.pop(connection, None)

    def overrun(self, connection: Connection, *, hard_limit_bytes: int) -> None:
        """Shed tier by tier until the backlog fits; abort if all of it is critical or high."""
        self.watch(connection)
        while connection.lanes is not None and connection.lanes.used_bytes > hard_limit_bytes:
            entered = self._watched[connection].overrun(now_ms=now_ms())
            if entered is None:
                log.info("socket.evicted", unsent_bytes=connection.lanes.used_bytes)
                self.counters.evicted += 1
                connection.abort()
                return
            self._enter_quarantine(connection, entered)

    def may_join(self, connection: Connection, service: Service) -> bool:
        """Tell whether a socket gets `service` now."""
        tier = self._tiers.of(service)
        hidden = connection.is_hidden and tier in _HIDDEN_SHEDS
        is_off = self._switchboard.is_off(connection.claims.org, service)
        return not (hidden or tier in connection.shed or is_off)

    def switched_off(self, connection: Connection) -> list[str]:
        """Return which of a socket's services are switched off."""
        return all_off(self._switchboard.of(connection.claims.org), connection.services)

    def enter(self, connection: Connection, held: HeldTopic) -> None:
        """Let a socket have a topic from its head on: now, or once it may."""
        if self.may_join(connection, held.topic.service):
            held.join(connection, wanted_by(connection))
        else:
            _keep_place(connection, held.topic.service, Place(held.position, held.position))

    def resume_at(self, connection: Connection, service: Service, place: Place) -> None:
        """Let a socket have a topic from `place` on: soon, or once it may."""
        _keep_place(connection, service, place)
        self.refresh(connection)

    def left(self, connection: Connection, service: Service) -> None:
        """Forget what waits or is withheld of a service that a socket left."""
        connection.drop(service)
        _take_place(connection, service, may=True)

    def refresh(self, connection: Connection) -> None:
        """Withhold and give back what the socket's state calls for."""
        for service in connection.services:
            is_withheld = service in (connection.withheld or ())
            if not self.may_join(connection, service):
                if not is_withheld:
                    self._withhold(connection, service)
            elif is_withheld and self._restoring is not None:
                topic = Topic(connection.claims.org, service)
                self._restoring.create_task(self._give_back(connection, topic))

    def _check(self, connection: Connection, quarantine: Quarantine) -> None:
        verdict = quarantine.check(self._load(connection), now_ms=now_ms())
        match verdict:
            case Entered():
                self._enter_quarantine(connection, verdict)
            case Cleared():
                self._tell(connection, connection.shed, until_ms=None)
                connection.shed = NOTHING_SHED
                self.refresh(connection)
                self.counters.cleared(after_ms=verdict.after_ms)
            case Conflate() if connection.lanes is not None:
                left_out = connection.lanes.conflate(verdict.tier)
                self.counters.conflated[verdict.tier] += left_out
            case _:
                if not connection.is_behind and quarantine.is_idle(now_ms=now_ms()):
                    del self._watched[connection]

    def _enter_quarantine(self, connection: Connection, entered: Entered) -> None:
        connection.shed = entered.shed
        self.refresh(connection)
        self._tell(connection, entered.shed, until_ms=entered.until_ms)
        self.counters.entered(entered.shed)

    def _load(self, connection: Connection) -> Load:
        lanes = connection.lanes
        oldest_ms = None if lanes is None else lanes.oldest_ms()
        return Load(
            backlog_bytes=0 if lanes is None else lanes.used_bytes,
            oldest_age_ms=0 if oldest_ms is None else now_ms() - oldest_ms,
            ack_lag_ms=self._ack_lag_ms.get(connection, 0),
        )

    def _tell(
        self, connection: Connection, tiers: frozenset[Tier], *, until_ms: float | None
    ) -> None:
        services = sorted(s for s in connection.services if self._tiers.of(s) in tiers)
        until_wall_ms = None if until_ms is None else int(_wall_ms() + until_ms - now_ms())
        connection.send(encode_quarantine(services, until_ms=until_wall_ms))
        event = "quarantine.cleared" if until_ms is None else "quarantine.entered"
        log.info(event, connection=connection.id, services=services)

    def _withhold(self, connection: Connection, service: Service) -> None:
        topic = Topic(connection.claims.org, service)
        held = self._hub.get(topic)
        waiting = connection.drop(service)
        under_way = self._catch_ups.stop(connection, topic)
        if held is None:
            return  # it is still being joined, and `enter` will keep it out
        served = next((a.served for a in connection.audiences if a.service == service), None)
        head = Place(held.position, served or held.position)
        held.leave(connection)
        _keep_place(connection, service, waiting or under_way or head)
        self.counters.withheld[self._tiers.of(service)] += 1

    async def _give_back(self, connection: Connection, topic: Topic) -> None:
        try:
            held = await self._feed.open(topic)
        except RealtimeError as error:
            connection.close(RedisUnavailable(error))
            return
        # The place is taken only now: whatever changed meanwhile has found it where it was.
        place = _take_place(connection, topic.service, may=self.may_join(connection, topic.service))
        if place is None or not connection.is_open:
            return
        if _event_count(place.at, held.position) > LONGEST_REPLAY_EVENTS:
            self._overflow(connection, held)
            return
        try:
            await self._catch_ups.run(self._catch_ups.start(connection, held, place))
        except RealtimeError as error:
            connection.close(RedisUnavailable(error))

    def _overflow(self, connection: Connection, held: HeldTopic) -> None:
        reset = encode_reset(
            service=held.topic.service, reason=ResetReason.OVERFLOW, position=held.position
        )
        connection.send(reset)
        held.join(connection, wanted_by(connection))
        self.counters.overflowed += 1


def _take_place(connection: Connection, service: Service, *, may: bool) -> Place | None:
    if not may or connection.withheld is None:
        return None
    place = connection.withheld.pop(service, None)
    if not connection.withheld:
        connection.withheld = None
    return place


def _keep_place(connection: Connection, service: Service, place: Place) -> None:
    if connection.withheld is None:
        connection.withheld = {}
    connection.withheld[service] = place


def _event_count(behind: Position, head: Position) -> int:
    return head.seq - behind.seq if head.epoch == behind.epoch else head.seq


def _wall_ms() -> float:
    return time.time() * 1000  # noqa: TID251 (the client compares it with its own clock)
