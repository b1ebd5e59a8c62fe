"""Tells the cluster that this gateway lives, and clears up after one that does not.

When its own entry is gone although it never left, the server has lost its data, and with it the
fields of the open connections; they are written again. So are those that could not be written, as
when Redis was full: a socket without its field could not be changed for the rest of its life.

A gateway that is killed leaves its connections' fields in `subs:{org}`, and one whose sockets end
during an outage as well. They are inert, since no socket belongs to them, but `update-services`
would accept their ids, and they would add up. A gateway that serves the org removes those of its
own name that it does not know, and those of a node that has been silent for a while.
"""

import asyncio
import random
from collections.abc import Callable, Iterable
from typing import Final

from redis.exceptions import RedisError

from fanwire.core.connection_ids import connection_field, node_of, split_field
from fanwire.core.heartbeats import GatewayHeartbeat
from fanwire.core.ids import Org
from fanwire.errors import RealtimeError
from gateway.cluster.nodes import NodeList
from gateway.connection.connection import Connection
from gateway.connection.phases import SessionPhase
from gateway.connection.registry import ConnectionRegistry
from gateway.session.store import SubscriptionStore
from shared.logs import logger

log = logger()

BEAT_S: Final = 2.0
"""Short enough for a display to look alive, long enough to cost Redis nothing."""

SILENT_MS: Final = 60_000
"""Thirty beats: who is taken for dead loses its fields, so a pause must not look like death."""

BEATS_PER_CLEARING: Final = 30
"""Once a minute: what a dead gateway left behind does no harm until then."""


class Membership:
    """This gateway's place in `gateway:nodes`; `run` must be running."""

    def __init__(
        self,
        nodes: NodeList,
        registry: ConnectionRegistry,
        store: SubscriptionStore,
        heartbeat: Callable[[], GatewayHeartbeat],
    ) -> None:
        self._nodes = nodes
        self._registry = registry
        self._store = store
        self._heartbeat = heartbeat
        self._has_beaten = False

    async def run(self) -> None:
        """Beat until cancelled."""
        beats = random.randrange(BEATS_PER_CLEARING)  # nodes started together take turns
        while True:
            try:
                await self._beat()
                beats += 1
                if beats % BEATS_PER_CLEARING == 0:
                    await self._clear_up()
            except (RealtimeError, RedisError, OSError) as error:
                log.warning("membership.beat_failed", cause=str(error))
            await asyncio.sleep(BEAT_S)

    async def leave(self) -> None:
        """Take this gateway off the list, at the end of an ordered stop."""
        try:
            await self._nodes.forget([self._nodes.node])
        except (RealtimeError, RedisError, OSError) as error:
            log.warning("membership.leave_failed", cause=str(error))

    async def _beat(self) -> None:
        if await self._nodes.beat(self._heartbeat()) and self._has_beaten:
            log.warning("subscriptions.lost", connections=len(self._registry))
            self._store.doubtful.update(self._registry.orgs())
        self._has_beaten = True
        await self._mend()

    async def _mend(self) -> None:
        """Bring the fields of doubtful orgs in line with the sockets that are open here."""
        for org in list(self._store.doubtful):
            stored = await self._store.fields(org)
            # From here on a failure doubts the org again.
            self._store.doubtful.discard(org)
            await self._mend_org(org, set(stored))

    async def _mend_org(self, org: Org, stored: set[str]) -> None:
        for field, connection in self._own(org).items():
            if field in stored:
                continue
            if connection.phase is SessionPhase.JOINING:
                self._store.doubtful.add(org)  # it writes its own, and may have done so too early
                continue
            wanted = connection.subscription
            await self._store.register(org, field, wanted.services, wanted.property_id)
        for field in self._in_vain(org, stored):
            self._store.unregister(org, field)

    def _own(self, org: Org) -> dict[str, Connection]:
        connections = self._registry.of_org(org)
        return {connection_field(each.claims.sub, each.id): each for each in connections}

    def _in_vain(self, org: Org, stored: Iterable[str]) -> list[str]:
        # A field is written after its socket is registered: what is not here has ended.
        own = self._own(org)
        return [field for field in stored if _node(field) == self._nodes.node and field not in own]

    async def _clear_up(self) -> None:
        # The fields before the nodes: a gateway beats before it takes its first socket, so one
        # that started in between cannot seem to be missing.
        fields = {org: await self._store.fields(org) for org in self._registry.orgs()}
        beats, server_ms = await self._nodes.read(), self._nodes.clock.now_ms()
        gone = {node for node, beat in beats.items() if _is_silent(beat, server_ms)}
        live = beats.keys() - gone
        for org, fields_of_org in fields.items():
            orphans = [field for field in fields_of_org if _node(field) not in live]
            orphans += self._in_vain(org, fields_of_org)
            if orphans:
                log.info("subscriptions.cleared", org=org, count=len(orphans))
                await self._store.clear(org, orphans)
        await self._nodes.forget(gone)


def _node(field: str) -> str:
    return node_of(split_field(field)[1])


def _is_silent(beat: GatewayHeartbeat | None, server_ms: float) -> bool:
    # What cannot be read is of another version, and its sockets must not lose their fields.
    return beat is not None and server_ms - beat.at_ms >= SILENT_MS
