"""Applying changes made on any node, with and without their rings."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fanwire.core.ids import Org, Service, UserId
from gateway.session.store import SubscriptionChange
from gateway.session.sync import SubscriptionSync
from shared.redis.pipelined import RedisUnavailable
from tests.support.gateway_stage import GatewayStage
from tests.support.gateway_values import ACME, DEMO, some_claims
from tests.support.loopback import Client
from tests.support.waiting import eventually


class SyncStage(GatewayStage):
    def __init__(self, *, poll_ms: int = 3_600_000) -> None:
        super().__init__()
        self.sync = SubscriptionSync(self.store, self.registry, self.joiner, poll_ms=poll_ms)

    async def change(
        self, *services: str, user: str = DEMO, connection_id: str | None = None, rings: bool = True
    ) -> int:
        """Change a subscription as another node would, and ring unless the ring is lost."""
        change = SubscriptionChange(
            frozenset(map(Service, services)), None, False, connection_id, None, None
        )
        stored = await self.store.change(ACME, UserId(user), change)
        if rings:
            field = f"{user}#{connection_id}" if connection_id else user
            self.sync.changed(ACME, stored.version, field)
        return stored.version


@asynccontextmanager
async def running(*, poll_ms: int = 3_600_000) -> AsyncIterator[SyncStage]:
    stage = SyncStage(poll_ms=poll_ms)
    async with asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(stage.sync.run())
        try:
            yield stage
        finally:
            loop.cancel()


async def has(client: Client, *services: str) -> None:
    wanted = frozenset(services)
    await eventually(lambda: client.connection.subscription.services == wanted, every_s=0)


async def settled() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_a_change_reaches_every_socket_of_its_user() -> None:
    async with running() as stage:
        clients = [stage.client(), stage.client()]
        for client in clients:
            await stage.join(client, "tasks")
        await stage.change("users")
        for client in clients:
            await has(client, "users")
        assert [client.types() for client in clients] == [["subscriptions"]] * 2


async def test_a_change_of_one_connection_leaves_the_others_alone() -> None:
    async with running() as stage:
        first, second = stage.client(), stage.client()
        for client in (first, second):
            await stage.join(client, "tasks")
        await stage.change("users", connection_id=first.connection.id)
        await has(first, "users")
        await settled()
        assert second.connection.subscription.services == {"tasks"}


async def test_the_newest_of_a_users_and_a_connections_change_counts() -> None:
    async with running() as stage:
        client = stage.client()
        await stage.join(client, "tasks")
        await stage.change("a")
        await stage.change("b", connection_id=client.connection.id)
        await has(client, "b")
        await stage.change("c")
        await has(client, "c")


async def test_a_change_of_a_user_who_is_not_here_costs_no_read() -> None:
    async with running() as stage:
        client = stage.client()
        await stage.join(client, "tasks")
        await stage.change("users")
        await has(client, "users")
        calls_before = len(stage.trips.calls)
        stage.sync.changed(ACME, 2, "eve")
        await settled()
        assert len(stage.trips.calls) == calls_before


async def test_a_ring_that_was_lost_is_noticed_by_the_next_one() -> None:
    async with running() as stage:
        client = stage.client()
        await stage.join(client, "tasks")
        await stage.change("a", rings=True)
        await has(client, "a")
        await stage.change("users", rings=False)
        await stage.change("tasks", user="eve")
        await has(client, "users")


async def test_when_the_bell_is_heard_anew_every_socket_of_the_org_is_compared() -> None:
    async with running() as stage:
        client = stage.client()
        await stage.join(client, "tasks")
        await stage.change("users", rings=False)
        stage.sync.suspect(ACME)
        await has(client, "users")


async def test_a_last_ring_that_was_lost_is_found_by_the_poll() -> None:
    async with running(poll_ms=1) as stage:
        client = stage.client()
        await stage.join(client, "tasks")
        await stage.change("users", rings=False)
        await has(client, "users")


async def test_rings_that_never_pause_do_not_put_off_the_poll() -> None:
    async with running(poll_ms=20) as stage:
        client = stage.client()
        await stage.join(client, "tasks")
        await stage.change("users", rings=False)
        busy, version = Org("globex"), 0

        def ring_and_look() -> bool:
            nonlocal version
            version += 1
            stage.sync.changed(busy, version, "eve")
            return client.connection.subscription.services == {"users"}

        await eventually(ring_and_look, every_s=0.001)


@pytest.mark.parametrize(
    "failure", [RedisUnavailable("gone"), OSError("no route"), TimeoutError("slow")]
)
async def test_F10_a_change_that_could_not_be_applied_is_applied_later(failure: Exception) -> None:
    async with running(poll_ms=5) as stage:
        client = stage.client()
        await stage.join(client, "tasks")
        version = await stage.change("users", rings=False)
        stage.trips.failure = failure
        stage.sync.changed(ACME, version, DEMO)
        await asyncio.sleep(0.02)
        assert client.connection.subscription.services == {"tasks"}
        stage.trips.failure = None
        await has(client, "users")


async def test_F34_after_a_storm_of_changes_every_socket_has_the_last() -> None:
    async with running() as stage:
        clients = [stage.client(some_claims(sub=sub)) for sub in ("demo", "demo", "eve")]
        for client in clients:
            await stage.join(client, "tasks")
        for number in range(30):
            await stage.change(f"s{number}", user="demo" if number % 2 else "eve")
        await has(clients[0], "s29")
        await has(clients[1], "s29")
        await has(clients[2], "s28")


async def test_a_mistake_of_ours_ends_the_process_loudly() -> None:
    stage = SyncStage()
    client = stage.client()
    await stage.join(client, "tasks")
    version = await stage.change("users", rings=False)
    stage.trips.failure = KeyError("ours")
    running_sync = asyncio.gather(stage.sync.run(), return_exceptions=True)
    stage.sync.changed(ACME, version, DEMO)
    [outcome] = await running_sync
    assert isinstance(outcome, ExceptionGroup)
