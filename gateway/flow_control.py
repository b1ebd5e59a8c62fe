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
from fanwire.wire import encode_disabled, encode_quarantine, encode_reset
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
from gateway.policy.session import Phase
from gateway.switchboard import RETRY_AFTER_MS, Switchboard
from shared.runtime import now_ms

log = structlog.get_logger()

CHECK_S: Final = 1.0
ACK_LAG_COUNTS_MS: Final = 2_500
LONGEST_REPLAY_EVENTS: Final = 5_000
_TIERS_BY_WORTH: Final = tuple(Tier)
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
        self._ack_lags: dict[Connection, tuple[float, float]] = {}
        self._returning: set[tuple[Connection, Topic]] = set()
        self._restoring: asyncio.TaskGroup | None = None
        self.counters = FlowCounters()

    @property
    def quarantined_count(self) -> int:
        """Return how many sockets are in quarantine now."""
        return sum(1 for quarantine in self._watched.values() if quarantine.shed)

    async def run(self) -> None:
        """Check the watched sockets until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._restoring:
                while True:
                    await asyncio.sleep(CHECK_S)
                    await self._check_all()
        finally:
            self._restoring = None

    def watch(self, connection: Connection) -> None:
        """Look at a socket that fell behind or whose acks lag."""
        if connection.is_open and connection not in self._watched:
            self._watched[connection] = Quarantine(self._limits)

    def forget(self, connection: Connection) -> None:
        """Stop watching a socket that ended."""
        self._watched.pop(connection, None)
        self._ack_lags.pop(connection, None)
        connection.withheld = None

    def acked(self, connection: Connection, lag_ms: float) -> None:
        """Take note of how far a socket's acks lag."""
        if lag_ms > self._limits.ack_lag_ms:
            self._ack_lags[connection] = (lag_ms, now_ms())
            self.watch(connection)
        else:
            self._ack_lags.pop(connection, None)

    def overrun(self, connection: Connection, *, hard_limit_bytes: int) -> None:
        """Make room: whoever reads gets the rest by catch-up; whoever does not gets less.

        A burst can be more than the limit before anybody could have read any of it. A socket
        that is stuck is shed tier by tier, and aborted if all that waits is critical or high.
        """
        self.watch(connection)
        if _stuck_ms(connection) <= self._limits.age_ms:
            self._spill(connection, down_to_bytes=hard_limit_bytes // 2)
        # Telling of a quarantine takes room as well, so this may call itself, and find it ended.
        while connection.lanes is not None and connection.lanes.used_bytes > hard_limit_bytes:
            entered = self._watched[connection].overrun(now_ms=now_ms())
            if entered is None:
                self._evict(connection)
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

    def place_of(self, connection: Connection, service: Service) -> Position | None:
        """Return where a socket stands in a withheld service, None if it is not withheld."""
        place = (connection.withheld or {}).get(service)
        return None if place is None else place.at

    def remind(self, connection: Connection) -> None:
        """Tell a socket what it does not get, as when it asks for a service anew."""
        off = self.switched_off(connection)
        if off:
            connection.send(encode_disabled(off, retry_after_ms=RETRY_AFTER_MS))
        quarantine = self._watched.get(connection)
        if quarantine is not None and quarantine.shed:
            self._tell(connection, quarantine.shed, until_ms=quarantine.until_ms)

    def left(self, connection: Connection, service: Service) -> None:
        """Forget what waits or is withheld of a service that a socket left."""
        connection.drop(service)
        _take_place(connection, service)

    def refresh(self, connection: Connection) -> None:
        """Withhold and give back what the socket's state calls for."""
        if not connection.is_open or connection.phase is Phase.JOINING:
            return  # nothing may come before hello; the join itself asks what may be joined
        for service in connection.services:
            is_withheld = service in (connection.withheld or ())
            if not self.may_join(connection, service):
                if not is_withheld:
                    self._withhold(connection, service)
            elif is_withheld:
                self._start_return(connection, Topic(connection.claims.org, service))

    def _spill(self, connection: Connection, *, down_to_bytes: int) -> None:
        """Leave to the log what waits of the least important services; it follows at once."""
        for service in sorted(connection.services, key=self._worth):
            if connection.lanes is None or connection.lanes.used_bytes <= down_to_bytes:
                break
            if connection.waits(service):
                self._withhold(connection, service)
                self.counters.spilled[self._tiers.of(service)] += 1
        self.refresh(connection)

    def _worth(self, service: Service) -> int:
        return -_TIERS_BY_WORTH.index(self._tiers.of(service))

    def _evict(self, connection: Connection) -> None:
        log.info("socket.evicted", connection=connection.id, unsent_bytes=connection.unsent_bytes)
        self.counters.evicted += 1
        connection.abort()

    async def _check_all(self) -> None:
        for connection, quarantine in list(self._watched.items()):
            if connection in self._watched:
                self._check(connection, quarantine)
                # Conflation costs a millisecond, and hundreds may lag: the others come between.
                await asyncio.sleep(0)

    def _check(self, connection: Connection, quarantine: Quarantine) -> None:
        if _stuck_ms(connection) > self._limits.longest_spell_ms:
            self._evict(connection)  # who talks and does not read would hold its place for ever
            return
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
        return Load(
            backlog_bytes=connection.unsent_bytes,
            oldest_age_ms=_oldest_age_ms(connection),
            ack_lag_ms=self._take_ack_lag_ms(connection),
        )

    def _take_ack_lag_ms(self, connection: Connection) -> float:
        lag_ms, noted_ms = self._ack_lags.get(connection, (0.0, 0.0))
        if now_ms() - noted_ms > ACK_LAG_COUNTS_MS:
            # Whoever gets nothing has nothing to ack: an old lag must not count for ever.
            self._ack_lags.pop(connection, None)
            return 0.0
        return lag_ms

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
        audience = connection.audience_of(service)
        head = Place(held.position, held.position if audience is None else audience.served)
        held.leave(connection)
        _keep_place(connection, service, waiting or under_way or head)
        self.counters.withheld[self._tiers.of(service)] += 1

    def _start_return(self, connection: Connection, topic: Topic) -> None:
        if self._restoring is not None and (connection, topic) not in self._returning:
            self._returning.add((connection, topic))
            self._restoring.create_task(self._give_back(connection, topic))

    async def _give_back(self, connection: Connection, topic: Topic) -> None:
        try:
            # Withheld anew before it was back, it may be due anew as well.
            while self._is_due(connection, topic.service):
                try:
                    await self._catch_up(connection, topic)
                except RealtimeError as error:
                    log.warning("service.return_failed", topic=str(topic), cause=str(error))
                    await asyncio.sleep(CHECK_S)
        finally:
            self._returning.discard((connection, topic))

    def _is_due(self, connection: Connection, service: Service) -> bool:
        is_withheld = service in (connection.withheld or ())
        return is_withheld and connection.is_open and self.may_join(connection, service)

    async def _catch_up(self, connection: Connection, topic: Topic) -> None:
        held = await self._feed.open(topic)
        # The place is taken only now: whatever changed meanwhile has found it where it was.
        if not self._is_due(connection, topic.service):
            return
        place = _take_place(connection, topic.service)
        assert place is not None
        if _event_count(place.at, held.position) > LONGEST_REPLAY_EVENTS:
            self._overflow(connection, held)
            return
        catch_up = self._catch_ups.start(connection, held, place)
        try:
            await self._catch_ups.run(catch_up)
        except RealtimeError:
            if self._is_nowhere(connection, topic):
                _keep_place(connection, topic.service, Place(catch_up.at, catch_up.served))
            raise

    def _is_nowhere(self, connection: Connection, topic: Topic) -> bool:
        service = topic.service
        return (
            service in connection.services
            and service not in (connection.withheld or ())
            and connection.audience_of(service) is None
            and not self._catch_ups.is_under_way(connection, topic)
        )

    def _overflow(self, connection: Connection, held: HeldTopic) -> None:
        reset = encode_reset(
            service=held.topic.service, reason=ResetReason.OVERFLOW, position=held.position
        )
        connection.send(reset)
        held.join(connection, wanted_by(connection))
        self.counters.overflowed += 1


def _take_place(connection: Connection, service: Service) -> Place | None:
    if connection.withheld is None:
        return None
    place = connection.withheld.pop(service, None)
    if not connection.withheld:
        connection.withheld = None
    return place


def _keep_place(connection: Connection, service: Service, place: Place) -> None:
    if connection.withheld is None:
        connection.withheld = {}
    connection.withheld[service] = place


def _oldest_age_ms(connection: Connection) -> float:
    lanes = connection.lanes
    oldest_ms = None if lanes is None else lanes.oldest_ms()
    in_lanes_ms = 0.0 if oldest_ms is None else now_ms() - oldest_ms
    return max(in_lanes_ms, _stuck_ms(connection))


def _stuck_ms(connection: Connection) -> float:
    """Return for how long the transport has not got rid of what it was given last."""
    return now_ms() - connection.pushed_ms if connection.is_behind else 0.0


def _event_count(behind: Position, head: Position) -> int:
    return head.seq - behind.seq if head.epoch == behind.epoch else head.seq


def _wall_ms() -> float:
    return time.time() * 1000  # noqa: TID251 (the client compares it with its own clock)
