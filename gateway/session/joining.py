"""Puts sockets onto topics: at connect, and when a subscription changes.

Both end in a section without an `await` in which positions are read, the client is told, and
the socket joins. Changes of one socket take turns; the newest version wins.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fanwire.core.connection_ids import connection_field
from fanwire.core.ids import Org, Service
from fanwire.core.keys import Topic
from fanwire.core.position import Position
from fanwire.wire.encode import ServiceState, encode_reset, encode_subscriptions
from gateway.connection.connection import Connection
from gateway.connection.lanes import ReplayPoint
from gateway.connection.phases import SessionInput, SessionPhase
from gateway.connection.records import ActiveSubscription
from gateway.delivery.catch_up import CatchUp, wanted_by
from gateway.delivery.chain import ResetReason, Resumed, judge_resume
from gateway.delivery.delivery import Delivery
from gateway.delivery.hub import HeldTopic
from gateway.delivery.replay_log import UnreadableTopic
from gateway.flow_control.monitor import FlowMonitor
from gateway.session.interest import interest_change
from gateway.session.keyed_locks import KeyedLocks
from gateway.session.node_profile import NodeProfile
from gateway.session.store import SubscriptionStore
from gateway.session.stream_request import StreamRequest
from shared.logs import logger

log = logger()


@dataclass(frozen=True, slots=True)
class ServiceStart:
    """Where a socket begins on a topic."""

    held: HeldTopic
    resumed_from: Position | None = None
    replayed: int = 0
    reset: ResetReason | None = None

    @property
    def asked_to_resume(self) -> bool:
        """Tell whether the client named a position."""
        return self.resumed_from is not None or self.reset is not None


@dataclass(frozen=True, slots=True)
class JoinResult:
    """What became of a socket's services at its hello."""

    starts: Sequence[ServiceStart]
    catch_ups: Sequence[CatchUp]
    """Replays that are begun, and wait to be run."""


@dataclass(frozen=True, slots=True)
class WantedChange:
    """A socket's subscription as it should be. The property counts only if it is newer."""

    version: int
    services: frozenset[Service]
    property_id: str | None
    property_version: int


class Joiner:
    """Joins, changes and narrows the sockets of this gateway."""

    def __init__(
        self,
        delivery: Delivery,
        monitor: FlowMonitor,
        store: SubscriptionStore,
        profile: NodeProfile,
    ) -> None:
        self._hub = delivery.hub
        self._feed = delivery.feed
        self._log = delivery.replay_log
        self._catch_ups = delivery.catch_ups
        self._monitor = monitor
        self._withholding = monitor.withholding
        self._store = store
        self._profile = profile
        self._locks = KeyedLocks()

    async def join(self, connection: Connection, request: StreamRequest) -> JoinResult:
        """Say hello, and go live where nothing was asked for; `replay` must follow.

        Raises RedisUnavailable.
        """
        async with self._locks.of(connection):
            await self._register(connection, request)
            starts = await self._starts(connection.claims.org, request)
            if not connection.is_open:
                return JoinResult([], [])
            # A fresh token may have narrowed the socket meanwhile.
            starts = [
                start
                for start in starts
                if start.held.topic.service in connection.subscription.services
            ]
            self._greet(connection, starts)
            entered = [self._enter(connection, start) for start in starts]
        return JoinResult(starts, [catch_up for catch_up in entered if catch_up])

    async def replay(self, joined: JoinResult) -> None:
        """Replay what was asked for, and go live behind it. Raises RedisUnavailable."""
        await asyncio.gather(*map(self._catch_ups.run, joined.catch_ups))

    async def change(self, connection: Connection, wanted: WantedChange) -> None:
        """Apply a change in place and acknowledge it; one that is not newer is ignored."""
        async with self._locks.of(connection):
            allowed = frozenset(filter(connection.claims.may_receive, wanted.services))
            org = connection.claims.org
            helds = await asyncio.gather(*(self._feed.open(Topic(org, s)) for s in allowed))
            if connection.is_open and wanted.version > connection.subscription.version:
                by_service = {held.topic.service: held for held in helds}
                # Asked again: the token may be another one by now.
                still_allowed = filter(connection.claims.may_receive, by_service)
                self._apply(connection, wanted, {s: by_service[s] for s in still_allowed})

    def narrow(self, connection: Connection) -> None:
        """Take from a socket what its token no longer allows, as after a refresh."""
        change = interest_change(
            held=connection.subscription.services,
            wanted=frozenset(
                filter(connection.claims.may_receive, connection.subscription.services)
            ),
        )
        self._leave(connection, change.leave)
        services = connection.subscription.services - change.leave
        connection.subscription = replace(connection.subscription, services=services)
        self._refilter(connection)
        if connection.phase is not SessionPhase.JOINING:  # else its hello will tell
            self._acknowledge(connection)

    def leave(self, connection: Connection) -> None:
        """Deliver nothing more to a connection that has ended, and take its field away."""
        self._hub.leave_all(connection)
        claims = connection.claims
        self._store.unregister(claims.org, connection_field(claims.sub, connection.id))

    async def _register(self, connection: Connection, request: StreamRequest) -> None:
        asked = ActiveSubscription(request.services, request.property_id)
        connection.subscription = asked
        version = await self._store.register(
            connection.claims.org,
            connection_field(connection.claims.sub, connection.id),
            request.services,
            request.property_id,
        )
        # Changes up to here are older than the URL that this socket came with.
        connection.subscription = replace(
            connection.subscription, version=version, property_version=version
        )

    async def _starts(self, org: Org, request: StreamRequest) -> list[ServiceStart]:
        topics = [Topic(org, service) for service in sorted(request.services)]
        helds = list(map(self._feed.held, topics))
        if not request.resume and all(helds):
            return [ServiceStart(held) for held in helds if held]  # nothing to wait for
        return await asyncio.gather(
            *(self._start(topic, request.resume.get(topic.service)) for topic in topics)
        )

    async def _start(self, topic: Topic, resume: Position | None) -> ServiceStart:
        held = await self._feed.open(topic)
        if resume is None:
            return ServiceStart(held)
        if resume == held.position or held.tail.after(resume) is not None:
            return _resumed(held, resume)
        try:
            # Asked together, answered in this order: the log is not older than the head.
            head, following = await asyncio.gather(
                self._log.head(topic), self._log.after(topic, resume, count=1)
            )
        except UnreadableTopic:
            return ServiceStart(held, reset=ResetReason.UNKNOWN_EPOCH)
        last = Position(0, 0) if head is None else head.last
        epoch = 0 if head is None else head.epoch
        verdict = judge_resume(resume, head=last, epoch=epoch, following=following)
        if isinstance(verdict, Resumed):
            return _resumed(held, resume)
        return ServiceStart(held, reset=verdict)

    def _greet(self, connection: Connection, starts: Iterable[ServiceStart]) -> None:
        connection.advance(SessionInput.HELLO)
        connection.send(self._profile.hello(connection, list(map(_state, starts))))
        self._monitor.remind(connection)
        for start in starts:
            if start.reset is not None:
                service, position = start.held.topic.service, start.held.position
                connection.send(
                    encode_reset(service=service, reason=start.reset, position=position)
                )

    def _enter(self, connection: Connection, start: ServiceStart) -> CatchUp | None:
        if start.resumed_from is None:
            self._withholding.enter(connection, start.held)
            return None
        place = ReplayPoint(start.resumed_from, start.resumed_from)
        if not self._withholding.may_join(connection, start.held.topic.service):
            self._withholding.resume_at(connection, start.held.topic.service, place)
            return None
        return self._catch_ups.start(connection, start.held, place)

    def _apply(
        self, connection: Connection, wanted: WantedChange, helds: dict[Service, HeldTopic]
    ) -> None:
        before = connection.subscription
        change = interest_change(held=before.services, wanted=helds.keys())
        connection.subscription = replace(before, version=wanted.version, services=frozenset(helds))
        self._leave(connection, change.leave)
        if wanted.property_version > before.property_version:
            connection.subscription = replace(
                connection.subscription,
                property_id=wanted.property_id,
                property_version=wanted.property_version,
            )
            self._refilter(connection)
        for service in change.join:
            self._withholding.enter(connection, helds[service])
        self._acknowledge(connection)
        if change.join:
            self._monitor.remind(connection)
        log.debug(
            "sub.applied",
            connection=connection.id,
            version=wanted.version,
            services=len(helds),
        )

    def _acknowledge(self, connection: Connection) -> None:
        # A new filter has other predecessors: the client must stand at the head, which is
        # right, because all that was for it under the old one is written.
        active = connection.subscription
        states = [
            ServiceState(s, self._profile.tiers.of(s), self._position(connection, s))
            for s in sorted(active.services)
        ]
        connection.send(
            encode_subscriptions(
                version=active.version, property_id=active.property_id, services=states
            )
        )

    def _leave(self, connection: Connection, services: Iterable[Service]) -> None:
        for service in services:
            topic = Topic(connection.claims.org, service)
            self._catch_ups.stop(connection, topic)
            self._withholding.left(connection, service)
            held = self._hub.get(topic)
            if held is not None:
                held.leave(connection)

    def _refilter(self, connection: Connection) -> None:
        wanted = wanted_by(connection)
        for group in connection.groups:
            held = self._hub.get(Topic(connection.claims.org, group.service))
            if held is None or group.wanted == wanted:
                continue
            held.leave(connection)
            waiting = connection.writer.drop(group.service)
            if waiting is None:
                held.join(connection, wanted)
            else:
                # What was cut for the old filter is cut again from the log.
                self._withholding.resume_at(connection, group.service, waiting)

    def _position(self, connection: Connection, service: Service) -> Position | None:
        held = self._hub.get(Topic(connection.claims.org, service))
        is_live = connection.group_of(service) is not None and not connection.writer.waits(service)
        if held is not None and is_live:
            return held.position
        return self._withholding.place_of(connection, service)


def _resumed(held: HeldTopic, resume: Position) -> ServiceStart:
    missed = held.position.seq - resume.seq if held.position.epoch == resume.epoch else 0
    return ServiceStart(held, resumed_from=resume, replayed=max(0, missed))


def _state(start: ServiceStart) -> ServiceState:
    return ServiceState(
        name=start.held.topic.service,
        tier=start.held.tier,
        position=start.resumed_from or start.held.position,
        recovered=start.resumed_from is not None if start.asked_to_resume else None,
        replayed=start.replayed if start.asked_to_resume else None,
    )
