"""A failover that moves an address and closes no connection, as behind a virtual address."""

from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from shared.redis.client import connect
from tests.cluster.conftest import ON_VALKEY, UNHINDERED, OpenTenant
from tests.conftest import StartServer, StartStack
from tests.support.redis_pair import RedisPair
from tests.support.tenant import Tenant
from tests.support.waiting import eventually
from tests.support.wanderer import Wanderer, check_all

pytestmark = pytest.mark.slow

QUICK = UNHINDERED | {"REALTIME_REDIS_TIMEOUT_MS": "500", "GATEWAY_SWEEP_MS": "300"}


@pytest.fixture
async def pair(start_server: StartServer, server_folder: Path, key_prefix: str) -> RedisPair:
    """A primary and a replica in step."""
    made = RedisPair(start_server(), start_server(), server_folder / f"{key_prefix[5:-1]}.link")
    await made.replicate()
    return made


async def are_connected(tenant: Tenant) -> bool:
    """Tell whether every gateway counts its connections to Redis as good."""
    async with httpx.AsyncClient(trust_env=False) as http:
        pages = [
            (await http.get(f"{gateway.internal_url}/metrics")).text
            for gateway in tenant.stack.gateways
        ]
    return all("\nrealtime_redis_connected 1.0" in page for page in pages)


@ON_VALKEY
@pytest.mark.parametrize("case", ["F13"])
async def test_gateways_follow_the_primary_away_from_one_that_was_demoted(
    pair: RedisPair, start_stack: StartStack, tenant_of: OpenTenant, case: str
) -> None:
    stack = await start_stack(redis_url=pair.url, gateways=2, env=QUICK)
    tenant = tenant_of(stack)
    async with AsyncExitStack() as exits:
        clients = [
            await exits.enter_async_context(Wanderer(tenant, gateway=number)) for number in range(2)
        ]
        await tenant.publish_numbers("tasks", range(50))
        await check_all(clients, 50)
        await pair.swap()
        await tenant.redis.connection_pool.disconnect()
        await tenant.publish_numbers("tasks", range(50, 100))
        await check_all(clients, 100)
        assert all(each.close_codes == [] for each in clients), "no socket was closed by it"
        await changed_in_place(tenant)
        await eventually(lambda: are_connected(tenant), 10)
    async with connect(pair.replica.url) as promoted:
        assert await promoted.hlen(tenant.keys.gateway_nodes()) == 2


async def changed_in_place(tenant: Tenant) -> None:
    """A socket that is opened now has its field, and a change of it is applied and acknowledged."""
    client = await tenant.connect(services=["tasks"])

    async def is_changed() -> bool:
        answer = await tenant.update(services=["users"], connectionId=client.connection_id)
        return answer.status_code == 200

    await eventually(is_changed, 10)
    await client.next("subscriptions")
