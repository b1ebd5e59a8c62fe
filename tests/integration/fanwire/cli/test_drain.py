"""`fanwire drain` on a real gateway: its internal port, and the wrong ones."""

import pytest
from redis.asyncio import Redis

from tests.conftest import StartStack
from tests.integration.fanwire.cli.conftest import Ask
from tests.support.stack import Stack
from tests.support.tenant import Tenant


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(gateways=2)


async def test_a_gateway_is_emptied_and_the_wrong_ports_are_told_apart(
    ask: Ask, stack: Stack, redis: Redis
) -> None:
    public = await ask("drain", stack.gateways[0].url)
    assert public.code == 1
    assert "is not an internal port" in public.err
    worker = await ask("drain", stack.worker.internal_url)
    assert worker.code == 1
    assert "fanout worker" in worker.err

    tenant = Tenant(stack, redis)
    moved, stays = await tenant.connect(0), await tenant.connect(1)
    ran = await ask("drain", stack.gateways[0].internal_url, "--wait", "--json")
    assert ran.code == 0
    assert (ran.rows[-1]["node"], ran.rows[-1]["drained"]) == ("gw-0", True)
    assert ran.rows[-1]["connections"] == 0
    assert await moved.ended() == 1012
    assert stays.is_open
    await tenant.close()
