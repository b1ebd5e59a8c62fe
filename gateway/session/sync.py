"""Applies subscription changes, made on any node, to the sockets of this one.

A ring names the user whose subscription changed, and only a gateway with sockets of that user
reads it. Versions count the changes of an org without a hole, so a gateway that skipped one
knows that a ring was lost, and compares all its sockets; a poll finds the last one lost.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Protocol

import structlog
from redis.exceptions import RedisError

from fanwire.core.connection_ids import connection_field
from fanwire.core.ids import Org, UserId
from fanwire.core.subscription import Subscription, newest_filter
from fanwire.errors import RealtimeError
from gateway.connection.connection import Connection
from gateway.connection.registry import ConnectionRegistry
from gateway.session.joining import Joiner, WantedChange
from gateway.session.store import SubscriptionStore
from shared.runtime import now_ms

log = structlog.get_logger()


class TurnWatch(Protocol):
    """Who is told how long the changes of a turn took from their ring to the sockets."""

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
        self._poll_ms = poll_ms
        self._on_turn = on_turn
        self._rung_ms: float | None = None
        """When the first change rang that no turn has taken up yet."""
        self._versions: dict[Org, int] = {}
        self._changed: set[tuple[Org, UserId]] = set()
        self._suspected: set[Org] = set()
        self._wake = asyncio.Event()

    def changed(self, org: Org, version: int, field: str) -> None:
        """Apply the change that a ring named, soon."""
        user = UserId(field.partition("#")[0])
        if version > self._versions.get(org, 0) + 1:
            self._suspected.add(org)
        elif self._registry.of_user(org, user):
            self._changed.add((org, user))
            if self._rung_ms is None:
                self._rung_ms = now_ms()
        self._versions[org] = max(version, self._versions.get(org, 0))
        self._wake.set()

    def suspect(self, org: Org) -> None:
        """Compare every socket of `org` with the hash, soon."""
        self._suspected.add(org)
        self._wake.set()

    async def run(self) -> None:
        """Apply changes until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._poll())

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            changed, self._changed = self._changed, set()
            suspected, self._suspected = self._suspected, set()
            changed |= {(org, user) for org in suspected for user in self._registry.users(org)}
            rung_ms, self._rung_ms = self._rung_ms, None
            is_applied = await self._guarded(self._apply(changed))
            if not is_applied:
                self._suspected |= {org for org, _ in changed}
            if self._on_turn is not None and rung_ms is not None:
                self._on_turn(now_ms() - rung_ms, is_applied=is_applied)

    async def _guarded(self, step: Awaitable[None]) -> bool:
        try:
            await step
        except (RealtimeError, RedisError, OSError) as error:
            log.warning("subscriptions.sync_failed", cause=str(error))
            return False
        return True

    async def _poll(self) -> None:
        # On a time of its own: the rings of one busy org must not put it off for the others.
        while True:
            await asyncio.sleep(self._poll_ms / 1000)
            await self._guarded(self._compare_versions())
            self._wake.set()  # also for what failed before

    async def _compare_versions(self) -> None:
        orgs = self._registry.orgs()
        versions = await asyncio.gather(*map(self._store.version, orgs))
        for org, version in zip(orgs, versions, strict=True):
            if version != self._versions.get(org):
                self._versions[org] = version
                self._suspected.add(org)
        self._versions = {org: self._versions[org] for org in orgs}

    async def _apply(self, changed: set[tuple[Org, UserId]]) -> None:
        await asyncio.gather(*(self._apply_to_user(org, user) for org, user in changed))

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
