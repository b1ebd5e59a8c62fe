"""A gateway that leaves in order: every client is told, moves, and misses nothing."""

import asyncio
import time
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.cluster.conftest import ON_VALKEY, UNHINDERED, OpenTenant
from tests.conftest import StartStack
from tests.support.flow import Flow
from tests.support.stack import Stack
from tests.support.stream_client import StreamClient
from tests.support.waiting import eventually
from tests.support.wanderer import Wanderer, check_all

pytestmark = pytest.mark.slow

WINDOW_MS = 2_000
SOCKETS = 200
ENV = UNHINDERED | {
    "GATEWAY_DRAIN_WINDOW_MS": str(WINDOW_MS),
    "GATEWAY_DRAIN_NOTICE_MS": "300",
}


async def readiness(stack: Stack) -> int:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"{stack.gateways[0].internal_url}/readyz")
    return answer.status_code


def ending(socket: StreamClient) -> list[str]:
    return [frame.type for frame in socket.frames if frame.type != "heartbeat"][-2:]


@ON_VALKEY
async def test_F23_two_hundred_clients_move_without_a_reset(
    start_stack: StartStack, tenant_of: OpenTenant
) -> None:
    stack = await start_stack(gateways=2, env=ENV)
    tenant = tenant_of(stack)
    leaving, staying = stack.gateways
    async with AsyncExitStack() as exits:
        wanderers = await asyncio.gather(
            *(exits.enter_async_context(Wanderer(tenant)) for _ in range(SOCKETS))
        )
        assert {each.node for each in wanderers} == {leaving.name}
        async with Flow(tenant, "tasks", per_s=100) as flow:
            await flow.more(20)
            leaving.terminate()
            assert await leaving.wait(timeout_s=10) == 0
            await flow.more(20)
        await check_all(wanderers, flow.count)
        assert {each.node for each in wanderers} == {staying.name}
        assert all(each.close_codes == [1012] for each in wanderers)
        for each in wanderers:
            assert ending(each.sockets[0]) == ["drain", "error"]
            (drain,) = each.sockets[0].of_type("drain")
            assert 0 <= drain["reconnectAfterMs"] <= 10_000


@ON_VALKEY
@pytest.mark.alone
async def test_F23_the_closes_are_spread_over_the_window(
    start_stack: StartStack, tenant_of: OpenTenant
) -> None:
    stack = await start_stack(gateways=1, env=ENV)
    tenant = tenant_of(stack)
    clients = await asyncio.gather(*(tenant.connect() for _ in range(SOCKETS)))
    ends: list[float] = []

    async def note(client: StreamClient) -> None:
        assert await client.ended(10) == 1012
        ends.append(time.monotonic())

    noting = [asyncio.create_task(note(client)) for client in clients]
    stack.gateway.terminate()
    started = time.monotonic()
    await asyncio.gather(*noting)
    ends = sorted(end - started for end in ends)
    assert ends[0] > 0.2, "balancers are told first"
    assert ends[-1] - ends[0] > 0.8 * WINDOW_MS / 1000
    busiest = max(sum(end <= other < end + 0.1 for other in ends) for end in ends)
    assert busiest < 3 * SOCKETS * 100 / WINDOW_MS, "no wave"


@ON_VALKEY
@pytest.mark.parametrize("case", ["B24"])
async def test_a_draining_gateway_takes_nobody_in_and_says_so(
    start_stack: StartStack, tenant_of: OpenTenant, case: str
) -> None:
    stack = await start_stack(gateways=1, env=ENV)
    tenant = tenant_of(stack)
    client = await tenant.connect()
    assert await readiness(stack) == 200
    stack.gateway.terminate()

    async def is_leaving() -> bool:
        return await readiness(stack) == 503

    await eventually(is_leaving)
    status, error = await tenant.refused()
    assert (status, error["name"], error["retryable"]) == (503, "draining", True)
    assert error["retryAfterMs"] > 0
    assert client.is_open, "those who are here are told in their own time"
    await tenant.publish_numbers("tasks", [1])
    await client.received(1)
    assert await client.ended() == 1012


@ON_VALKEY
async def test_an_operator_drains_a_gateway_and_stops_it_later(
    start_stack: StartStack, tenant_of: OpenTenant
) -> None:
    stack = await start_stack(gateways=1, env=ENV)
    tenant = tenant_of(stack)
    clients = await asyncio.gather(*(tenant.connect() for _ in range(5)))
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        for public in ("/drain", "/readyz"):
            assert (await http.post(f"{stack.gateway.url}{public}")).status_code == 404
        begun = await http.post(f"{stack.gateway.internal_url}/drain")
        assert begun.status_code == 202
        assert (
            begun.json().items() >= {"draining": True, "drained": False, "connections": 5}.items()
        )
        hook = await http.post(f"{stack.gateway.internal_url}/drain", params={"wait": "true"})
        assert hook.status_code == 200
        assert hook.json().items() >= {"drained": True, "connections": 0}.items()
        assert (await http.get(f"{stack.gateway.internal_url}/livez")).status_code == 200
    assert [await client.ended() for client in clients] == [1012] * 5
    assert await readiness(stack) == 503
    stopping = time.monotonic()
    stack.gateway.terminate()
    assert await stack.gateway.wait() == 0
    assert time.monotonic() - stopping < 2, "nothing is left to wait for"


@ON_VALKEY
async def test_a_gateway_without_sockets_stops_at_once(start_stack: StartStack) -> None:
    stack = await start_stack(gateways=1, env=ENV)
    started = time.monotonic()
    stack.gateway.terminate()
    assert await stack.gateway.wait() == 0
    assert time.monotonic() - started < 2
