"""Keeps services from sockets for a while, and makes the sockets whole again.

A service is withheld because its tier is shed (quarantine), because the page is hidden, because
it is switched off, or because a burst of it is left to the log. All work alike: the socket leaves
the topic, what waits of it is dropped, and the place is kept; afterwards a catch-up goes on from
there, or a reset says that it cannot. Nothing is missed in silence.

Bound: `LONGEST_REPLAY_EVENTS` for each return; beyond it the socket is told to fetch its state.
"""

import asyncio
from typing import Final

from fanwire.core.ids import Service
from fanwire.core.keys import Topic
from fanwire.core.position import Position
from fanwire.core.switches import all_off
from fanwire.core.tiers import Tier, Tiers
from fanwire.errors import RealtimeError
from fanwire.wire.encode import encode_reset
from gateway.connection.connection import Connection
from gateway.connection.lanes import ReplayPoint
from gateway.connection.phases import SessionPhase
from gateway.delivery.catch_up import CatchUps, wanted_by
from gateway.delivery.chain import ResetReason
from gateway.delivery.hub import HeldTopic, Hub
from gateway.delivery.live_feed import LiveFeed
from gateway.flow_control.counters import DroppedFor, FlowCounters, WithheldFor
from gateway.flow_control.socket_flow import keep_point, pop_point, shed_of, withheld_of
from gateway.flow_control.switches import LiveSwitches
from shared.logs import logger

log = logger()

RETRY_S: Final = 1.0

LONGEST_REPLAY_EVENTS: Final = 5_000
"""A page draws so many no sooner than it fetches its state again."""

_HIDDEN_SHEDS: Final = frozenset({Tier.NORMAL, Tier.LOW})


class Withholding:
    """What sockets do not get for now; `run` must be running for anything to be given back."""

    def __init__(
        self,
        hub: Hub,
        feed: LiveFeed,
        catch_ups: CatchUps,
        switchboard: LiveSwitches,
        tiers: Tiers,
        counters: FlowCounters,
    ) -> None:
        self.hub = hub
        self._feed = feed
        self._catch_ups = catch_ups
        self._switchboard = switchboard
        self._tiers = tiers
        self._counters = counters
        self._returning: set[tuple[Connection, Topic]] = set()
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Give back what is due until cancelled."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await asyncio.Event().wait()
        finally:
            self._tasks = None

    def may_join(self, connection: Connection, service: Service) -> bool:
        """Tell whether a socket gets `service` now."""
        return self._why_not(connection, service) is None

    def _why_not(self, connection: Connection, service: Service) -> WithheldFor | None:
        tier = self._tiers.of(service)
        if self._switchboard.is_off(connection.claims.org, service):
            return WithheldFor.SWITCHED_OFF
        if tier in shed_of(connection):
            return WithheldFor.QUARANTINE
        if connection.is_hidden and tier in _HIDDEN_SHEDS:
            return WithheldFor.HIDDEN
        return None

    def switched_off(self, connection: Connection) -> list[str]:
        """Return which of a socket's services are switched off."""
        return all_off(
            self._switchboard.of(connection.claims.org), connection.subscription.services
        )

    def enter(self, connection: Connection, held: HeldTopic) -> None:
        """Let a socket have a topic from its head on: now, or once it may."""
        if self.may_join(connection, held.topic.service):
            held.join(connection, wanted_by(connection))
        else:
            keep_point(connection, held.topic.service, ReplayPoint(held.position, held.position))

    def resume_at(self, connection: Connection, service: Service, place: ReplayPoint) -> None:
        """Let a socket have a topic from `place` on: soon, or once it may."""
        keep_point(connection, service, place)
        self.refresh(connection)

    def place_of(self, connection: Connection, service: Service) -> Position | None:
        """Return where a socket stands in a withheld service, None if it is not withheld."""
        place = withheld_of(connection).get(service)
        return None if place is None else place.at

    def left(self, connection: Connection, service: Service) -> None:
        """Forget what waits or is withheld of a service that a socket left."""
        connection.writer.drop(service)
        pop_point(connection, service)

    def refresh(self, connection: Connection) -> None:
        """Withhold and give back what the socket's state calls for."""
        if not connection.is_open or connection.phase is SessionPhase.JOINING:
            return  # nothing may come before hello; the join itself asks what may be joined
        for service in connection.subscription.services:
            is_withheld = service in withheld_of(connection)
            why_not = self._why_not(connection, service)
            if why_not is not None:
                if not is_withheld:
                    self.withhold(connection, service, why_not)
            elif is_withheld:
                self._start_return(connection, Topic(connection.claims.org, service))

    def withhold(self, connection: Connection, service: Service, why: WithheldFor) -> None:
        """Keep a service from a socket; `refresh` gives it back."""
        topic = Topic(connection.claims.org, service)
        held = self.hub.get(topic)
        waiting = connection.writer.drop(service)
        under_way = self._catch_ups.stop(connection, topic)
        if held is None:
            return  # it is still being joined, and `enter` will keep it out
        group = connection.group_of(service)
        head = ReplayPoint(held.position, held.position if group is None else group.served)
        held.leave(connection)
        keep_point(connection, service, waiting or under_way or head)
        self._counters.withheld[held.tier, why] += 1

    def _start_return(self, connection: Connection, topic: Topic) -> None:
        if self._tasks is not None and (connection, topic) not in self._returning:
            self._returning.add((connection, topic))
            self._tasks.create_task(self._give_back(connection, topic))

    async def _give_back(self, connection: Connection, topic: Topic) -> None:
        try:
            # Withheld again before it was back, it may be due again as well.
            while self._is_due(connection, topic.service):
                try:
                    await self._catch_up(connection, topic)
                except RealtimeError as error:
                    log.warning("service.return_failed", topic=str(topic), cause=str(error))
                    await asyncio.sleep(RETRY_S)
        finally:
            self._returning.discard((connection, topic))

    def _is_due(self, connection: Connection, service: Service) -> bool:
        is_withheld = service in withheld_of(connection)
        return is_withheld and connection.is_open and self.may_join(connection, service)

    async def _catch_up(self, connection: Connection, topic: Topic) -> None:
        held = await self._feed.open(topic)
        # The place is taken only now: whatever changed meanwhile has found it where it was.
        if not self._is_due(connection, topic.service):
            return
        place = pop_point(connection, topic.service)
        assert place is not None
        missed_count = _event_count(place.at, held.position)
        if missed_count > LONGEST_REPLAY_EVENTS:
            self._overflow(connection, held)
            self._counters.events_dropped[held.tier, DroppedFor.OVERFLOW] += missed_count
            return
        catch_up = self._catch_ups.start(connection, held, place)
        try:
            await self._catch_ups.run(catch_up)
        except RealtimeError:
            if self._is_nowhere(connection, topic):
                keep_point(connection, topic.service, ReplayPoint(catch_up.at, catch_up.served))
            raise

    def _is_nowhere(self, connection: Connection, topic: Topic) -> bool:
        service = topic.service
        return (
            service in connection.subscription.services
            and service not in withheld_of(connection)
            and connection.group_of(service) is None
            and not self._catch_ups.is_under_way(connection, topic)
        )

    def _overflow(self, connection: Connection, held: HeldTopic) -> None:
        reset = encode_reset(
            service=held.topic.service, reason=ResetReason.OVERFLOW, position=held.position
        )
        connection.send(reset)
        held.join(connection, wanted_by(connection))


def _event_count(behind: Position, head: Position) -> int:
    return head.seq - behind.seq if head.epoch == behind.epoch else head.seq
