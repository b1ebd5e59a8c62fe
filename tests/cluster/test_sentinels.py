"""Redis behind Sentinels: a failover is found by everybody, and nobody is told of a hole."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from fanwire.publish.async_publisher import AsyncPublisher
from tests.cluster.conftest import UNHINDERED, OpenTenant
from tests.conftest import StartStack
from tests.support.real_server import EngineName, binary_of
from tests.support.role import ROOT
from tests.support.sentinels import WatchedPair
from tests.support.tenant import Tenant
from tests.support.waiting import eventually, free_port
from tests.support.wanderer import Wanderer

pytestmark = pytest.mark.slow

QUICK = UNHINDERED | {
    "REALTIME_REDIS_TIMEOUT_MS": "1000",
    "REALTIME_REDIS_CONNECT_TIMEOUT_MS": "500",
}
LONGEST_RETURN_S = 2.0
"""After Sentinels have named the new primary (G9)."""


async def published(tenant: Tenant, numbers: range) -> None:
    """Publish until Redis takes it: an honest publisher repeats with the same ids."""
    for number in numbers:
        while True:
            try:
                await tenant.publish_numbers("tasks", [number], eventId=f"n{number}")
                break
            except (RedisError, OSError):
                await asyncio.sleep(0.05)


@pytest.mark.alone
@pytest.mark.parametrize("case", ["F13"])
async def test_a_failover_is_followed_and_nothing_is_lost_or_doubled(
    engine: EngineName,
    server_folder: Path,
    start_stack: StartStack,
    tenant_of: OpenTenant,
    case: str,
) -> None:
    async with WatchedPair(engine, server_folder) as pair, AsyncExitStack() as exits:
        stack = await start_stack(redis_url=pair.url, gateways=2, workers=2, env=QUICK)
        tenant = tenant_of(stack)
        clients = [await exits.enter_async_context(Wanderer(tenant, gateway=n)) for n in range(2)]
        sdk = await exits.enter_async_context(AsyncPublisher.from_url(pair.url))
        await published(tenant, range(50))
        await all_have(clients, 49)
        await sdk.publish("acme", "tasks", 1)
        await pair.until_in_step()

        await pair.swap()  # the demoted primary lives on, and refuses to write
        await followed(pair, tenant, clients, primary=1, numbers=range(50, 100))
        await sdk.publish("acme", "tasks", 2)
        await pair.until_in_step()

        pair.servers[1].kill()
        await followed(pair, tenant, clients, primary=0, numbers=range(100, 150))
        await sdk.publish("acme", "tasks", 3)
        for client in clients:
            client.check(150)
            assert client.close_codes == [], "no socket was closed by it"


async def followed(
    pair: WatchedPair, tenant: Tenant, clients: Sequence[Wanderer], *, primary: int, numbers: range
) -> None:
    """Publish during a failover, and fail unless everybody has found the new primary in time."""
    publishing = asyncio.create_task(published(tenant, numbers))
    await pair.until_primary_is(primary)
    promoted_s = time.monotonic()
    await all_have(clients, numbers[-1])
    assert time.monotonic() - promoted_s < LONGEST_RETURN_S
    await publishing


async def all_have(clients: Sequence[Wanderer], number: int) -> None:
    for client in clients:
        await client.until_has(number)


async def test_the_sentinel_of_the_compose_file_is_accepted_as_it_is(
    engine: EngineName, server_folder: Path
) -> None:
    config = server_folder / f"{engine}-sentinel.conf"
    # Two lines cannot be the same here: no host has that name, and the port may be taken.
    text = (ROOT / "deploy/sentinel/sentinel.conf").read_text()
    port = free_port()
    config.write_text(text.replace("port 26379", f"port {port}").replace(" redis ", " 127.0.0.1 "))
    sentinel = await asyncio.create_subprocess_exec(
        str(binary_of(engine)), str(config), "--sentinel", stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with Redis(port=port) as client:
            state = await eventually(partial(masters_of, client), 10)
    finally:
        sentinel.kill()
        await sentinel.wait()
    assert state["fanwire"]["down-after-milliseconds"] == 3_000


async def masters_of(client: Redis) -> Any:
    try:
        return await client.sentinel_masters()
    except RedisError:
        return None  # it has yet to listen
