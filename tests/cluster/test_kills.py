"""Processes that die or freeze under load, and clients that come back elsewhere."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.cluster.conftest import ON_VALKEY, UNHINDERED, OpenTenant
from tests.conftest import StartStack
from tests.support.flow import Flow
from tests.support.tenant import Tenant
from tests.support.waiting import eventually
from tests.support.wanderer import Wanderer, check_all

pytestmark = pytest.mark.slow
SERVICES = ("tasks", "finance", "analytics")


async def enter(exits: AsyncExitStack, tenant: Tenant, count: int) -> list[Wanderer]:
    """Connect clients, half of them to either gateway."""
    return await asyncio.gather(
        *(
            exits.enter_async_context(Wanderer(tenant, services=SERVICES, gateway=n % 2))
            for n in range(count)
        )
    )


async def test_F21_clients_of_a_killed_gateway_go_on_at_the_other(
    start_stack: StartStack, tenant_of: OpenTenant
) -> None:
    stack = await start_stack(gateways=2, env=UNHINDERED)
    tenant = tenant_of(stack)
    async with AsyncExitStack() as exits:
        wanderers = await enter(exits, tenant, 40)
        async with Flow(tenant, *SERVICES, per_s=300) as flow:
            await flow.more(60)
            stack.gateways[0].kill()
            await flow.more(200)
            await eventually(lambda: all(each.is_connected for each in wanderers), 10)
            assert {each.node for each in wanderers} == {"gw-1"}
            await stack.gateways[0].start()
            stack.gateways[1].kill()
            await flow.more(200)
        await check_all(wanderers, flow.count)
    (await tenant.ledger("tasks")).check([{"n": n} for n in range(flow.count)])


@ON_VALKEY
async def test_clients_of_a_killed_worker_notice_a_pause_and_nothing_else(
    start_stack: StartStack, tenant_of: OpenTenant
) -> None:
    stack = await start_stack(gateways=2, workers=2, env=UNHINDERED)
    tenant = tenant_of(stack)
    async with AsyncExitStack() as exits:
        wanderers = await enter(exits, tenant, 10)
        async with Flow(tenant, *SERVICES, per_s=300) as flow:
            await flow.more(100)
            # Whichever of the two owned the org, one of these deaths concerned it.
            stack.workers[0].kill()
            await flow.more(450)  # a lease and a half
            await stack.workers[0].start()
            stack.workers[1].kill()
            await flow.more(450)
        await check_all(wanderers, flow.count)
        assert all(each.close_codes == [] for each in wanderers), "no socket was closed by it"
    for service in SERVICES:
        (await tenant.ledger(service)).check([{"n": n} for n in range(flow.count)])


async def test_F51_gateways_and_workers_that_die_in_turn_lose_and_double_nothing(
    start_stack: StartStack, tenant_of: OpenTenant
) -> None:
    stack = await start_stack(gateways=2, workers=2, env=UNHINDERED)
    tenant = tenant_of(stack)
    async with AsyncExitStack() as exits:
        wanderers = await enter(exits, tenant, 20)
        async with Flow(tenant, *SERVICES, per_s=400) as flow:
            for role in (*stack.workers, *stack.gateways):
                role.kill()
                await flow.more(150)
                await role.start()
        await check_all(wanderers, flow.count)


@ON_VALKEY
@pytest.mark.parametrize("case", ["F22"])
async def test_a_gateway_that_froze_for_a_while_goes_on_where_it_was(
    start_stack: StartStack, tenant_of: OpenTenant, case: str
) -> None:
    stack = await start_stack(gateways=2, env=UNHINDERED)
    tenant = tenant_of(stack)
    async with AsyncExitStack() as exits:
        wanderers = await enter(exits, tenant, 10)
        async with Flow(tenant, *SERVICES, per_s=500) as flow:
            await flow.more(50)
            stack.gateways[0].pause()
            await flow.more(1_000)
            stack.gateways[0].resume()
            await flow.more(50)
        await check_all(wanderers, flow.count)
        assert all(each.close_codes == [] for each in wanderers)


@ON_VALKEY
@pytest.mark.alone
async def test_F6_a_rolling_restart_of_the_workers_is_not_noticed(
    start_stack: StartStack, tenant_of: OpenTenant
) -> None:
    stack = await start_stack(gateways=1, workers=2, env=UNHINDERED)
    tenant = tenant_of(stack)
    async with AsyncExitStack() as exits:
        (client,) = await enter(exits, tenant, 1)
        async with Flow(tenant, *SERVICES, per_s=300) as flow:
            for worker in stack.workers:
                await flow.more(100)
                worker.terminate()
                assert await worker.wait() == 0
                await worker.start()
            await flow.more(100)
        await check_all([client], flow.count)
        batches = [frame.fields for frame in client.sockets[0].frames if frame.type == "batch"]
        waits_ms = [batch["sentAt"] - batch["events"][0]["ts"] for batch in batches]
        assert max(waits_ms) < int(UNHINDERED["FANOUT_LEASE_MS"])
