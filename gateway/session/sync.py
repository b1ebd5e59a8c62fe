"""Applies subscription changes, made on any node, to the sockets of this one.

A ring names the user whose subscription changed, and only a gateway with sockets of that user
reads it. Versions count the changes of an org without a hole, so a gateway that skipped one
knows that a ring was lost, and compares all its sockets; a poll finds the last one lost.
"""

import asyncio
from collections.abc import Iterable, Sequence, Set
from typing import Protocol

from fanwire.core.clock import now_ms
from fanwire.core.connection_ids import connection_field, split_field
from fanwire.core.ids import Org, UserId
from fanwire.core.subscription import Subscription, newest_filter
from gateway.connection.connection import Connection
from gateway.connection.registry import ConnectionRegistry
from gateway.session.joining import Joiner, WantedChange
from gateway.session.store import SubscriptionStore
from shared.refresher import Refresher


class TurnWatch(Protocol):
    """Learns how long the changes of a turn took from their ring to the sockets."""

    def __call__(self, after_ms: float, *, is_applied: bool) -> None:
        """Take note of one turn."""


class SubscriptionSync:
    """Watches `subs:{org}` of every org with sockets here; `run` must be running."""

    def __init__(
        self,
        store: SubscriptionStore,
        registry: ConnectionRegistry,
        joiner: Joiner,
        *,
        poll_ms: int,
        on_turn: TurnWatch | None = None,
    ) -> None:
        self._store = store
        self._registry = registry
        self._joiner = joiner
        self._on_turn = on_turn
        self._rung_ms: float | None = None
        """When the first change rang that no turn has taken up yet."""
        self._versions: dict[Org, int] = {}
        self._refresher: Refresher[tuple[Org, UserId | None]] = Refresher(
            self._turn, self._changed_orgs, poll_ms=poll_ms, failed="subscriptions.sync_failed"
        )

    def changed(self, org: Org, version: int, field: str) -> None:
        """Apply the change that a ring announced, soon."""
        user, _ = split_field(field)
        if version > self._versions.get(org, 0) + 1:
            self.suspect(org)
        elif self._registry.of_user(org, user):
            if self._rung_ms is None:
                self._rung_ms = now_ms()
            self._refresher.mark((org, user))
        self._versions[org] = max(version, self._versions.get(org, 0))

    def suspect(self, org: Org) -> None:
        """Compare every socket of `org` with the hash, soon."""
        self._refresher.mark((org, None))

    async def run(self) -> None:
        """Apply changes until cancelled."""
        await self._refresher.run()

    async def _changed_orgs(self) -> list[tuple[Org, None]]:
        orgs = self._registry.orgs()
        versions = await asyncio.gather(*map(self._store.version, orgs))
        before, self._versions = self._versions, dict(zip(orgs, versions, strict=True))
        return [(org, None) for org in orgs if self._versions[org] != before.get(org)]

    async def _turn(self, changed: Set[tuple[Org, UserId | None]]) -> None:
        rung_ms, self._rung_ms = self._rung_ms, None
        is_applied = False
        try:
            users = {(org, user) for org, one in changed for user in self._users(org, one)}
            await asyncio.gather(*(self._apply_to_user(org, user) for org, user in users))
            is_applied = True
        finally:
            if self._on_turn is not None and rung_ms is not None:
                self._on_turn(now_ms() - rung_ms, is_applied=is_applied)

    def _users(self, org: Org, user: UserId | None) -> Iterable[UserId]:
        return self._registry.users(org) if user is None else [user]

    async def _apply_to_user(self, org: Org, user: UserId) -> None:
        connections = list(self._registry.of_user(org, user))
        fields = [user, *(connection_field(user, connection.id) for connection in connections)]
        of_user, *of_connections = await self._store.read(org, fields)
        await asyncio.gather(
            *(
                self._apply_to_connection(connection, [of_user, own])
                for connection, own in zip(connections, of_connections, strict=True)
            )
        )

    async def _apply_to_connection(
        self, connection: Connection, stored: Sequence[Subscription | None]
    ) -> None:
        newest = max((s for s in stored if s is not None), key=_version, default=None)
        if newest is None or newest.version <= connection.subscription.version:
            return
        property_id, property_version = newest_filter(*stored)
        await self._joiner.change(
            connection,
            WantedChange(newest.version, newest.services, property_id, property_version),
        )


def _version(subscription: Subscription) -> int:
    return subscription.version
