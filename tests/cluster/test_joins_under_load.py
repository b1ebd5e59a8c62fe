"""Sockets that join while five thousand events a second pass by."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.cluster.conftest import UNHINDERED, OpenTenant
from tests.conftest import StartStack
from tests.support.flow import Flow
from tests.support.stream_client import StreamClient
from tests.support.tenant import Tenant
from tests.support.wanderer import Wanderer

pytestmark = [pytest.mark.slow, pytest.mark.alone]
JOINS = 100
AT_ONCE = 10


def arrival(tenant: Tenant, witness: StreamClient, n: int) -> tuple[Wanderer, int | None]:
    """Return a new client, or one that begins some batches ago and the first number it lacks."""
    gateway = n // 2 % 2
    if n % 2:
        return Wanderer(tenant, gateway=gateway), None
    batches = [frame for frame in witness.frames[-400:] if frame.type == "batch"]
    batch = batches[-1 - (n * 7) % len(batches)].fields
    resume = {"tasks": batch["position"]}
    first = batch["events"][-1]["data"]["n"] + 1
    return Wanderer(tenant, gateway=gateway, resume=resume), first


@pytest.mark.parametrize("case", ["F29"])
async def test_every_join_is_seamless(
    start_stack: StartStack, tenant_of: OpenTenant, case: str
) -> None:
    stack = await start_stack(gateways=2, env=UNHINDERED)
    tenant = tenant_of(stack)
    witness = await tenant.connect()
    firsts: dict[Wanderer, int | None] = {}
    async with AsyncExitStack() as exits:
        async with Flow(tenant, "tasks", per_s=5_000, burst=50) as flow:
            await flow.more(2_500)
            for start in range(0, JOINS, AT_ONCE):
                joining = dict(arrival(tenant, witness, n) for n in range(start, start + AT_ONCE))
                await asyncio.gather(*map(exits.enter_async_context, joining))
                firsts |= joining
            await flow.more(2_500)
        await asyncio.gather(*(each.until_has(flow.count - 1, 30) for each in firsts))
        for each, first in firsts.items():
            begun = each.ledger.numbers["tasks"][0] if first is None else first
            each.ledger.check("tasks", range(begun, flow.count))
            assert each.close_codes == []
    await witness.received(flow.count, timeout_s=30)
