"""What a gateway that is deaf says of itself, and what its clients still get.

Two gateways, of which the second has a way to Redis that a test can cut: the bell alone, the
reads alone, or all of it. Nobody may turn unready for what all suffer from.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from fanwire.core.keys import CANARY
from tests.cluster.conftest import ON_VALKEY, UNHINDERED, OpenTenant
from tests.conftest import StartServer, StartStack
from tests.support.fault_proxy import FaultProxy
from tests.support.role import Role
from tests.support.stack import Stack
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

ENV = UNHINDERED | {
    "GATEWAY_CANARY_MS": "1000",
    "GATEWAY_SWEEP_MS": "500",
    "REALTIME_REDIS_TIMEOUT_MS": "500",
}
TURNS_DEAF_S = 15
"""Two periods of silence, a beat of its peer (5 s) and two periods of patience, with room."""
FAR, NEAR = 1, 0


class Scene(NamedTuple):
    """The gateways, an org on them, and the link of the second."""

    stack: Stack
    tenant: Tenant
    link: FaultProxy


@pytest.fixture
async def scene(
    redis_url: str,
    server_folder: Path,
    key_prefix: str,
    start_stack: StartStack,
    tenant_of: OpenTenant,
) -> AsyncIterator[Scene]:
    path = server_folder / f"{key_prefix[5:-1]}.sock"
    async with FaultProxy.between(path, Path(redis_url.removeprefix("unix://"))) as link:
        stack = await start_stack(gateways=2, env=ENV, links={FAR: f"unix://{path}"})
        await all_hear(stack)
        yield Scene(stack, tenant_of(stack), link)
        await stack.stop()


async def asked(role: Role) -> dict[str, Any]:
    """Return the answer of `/readyz`, whose status must agree with it."""
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"{role.internal_url}/readyz")
        assert (await http.get(f"{role.internal_url}/livez")).status_code == 200
    said: dict[str, Any] = answer.json()
    assert said["ready"] is (answer.status_code == 200)
    return said


async def hears(role: Role) -> bool:
    said = await asked(role)
    return bool(said["ready"]) and said["canaryAgeMs"] < 2_000


async def all_hear(stack: Stack) -> None:
    for gateway in stack.gateways:
        await eventually(partial(hears, gateway), TURNS_DEAF_S)


async def is_deaf(role: Role) -> bool:
    said = await asked(role)
    return bool(said["deaf"]) and not said["ready"]


async def all_stay_ready(stack: Stack, *, for_s: float) -> None:
    ends = time.monotonic() + for_s
    while time.monotonic() < ends:
        for gateway in stack.gateways:
            said = await asked(gateway)
            assert said["ready"], said
        await asyncio.sleep(0.2)


@ON_VALKEY
async def test_all_hear_and_the_canary_costs_one_event_a_period(scene: Scene) -> None:
    key = scene.tenant.keys.batches(CANARY)
    before, started = await scene.tenant.redis.xlen(key), time.monotonic()
    await all_stay_ready(scene.stack, for_s=6)
    count = await scene.tenant.redis.xlen(key) - before
    assert 2 <= count <= 1 + time.monotonic() - started
    assert all([await hears(gateway) for gateway in scene.stack.gateways])


@ON_VALKEY
async def test_F7_a_gateway_whose_bell_is_dead_turns_unready_and_delivers_by_its_sweep(
    scene: Scene,
) -> None:
    near, far = scene.stack.gateways
    client = await scene.tenant.connect(FAR)
    scene.link.freeze_users_of(b"SSUBSCRIBE")
    started = time.monotonic()
    await scene.tenant.publish_numbers("tasks", [1])
    await client.received(1)
    assert time.monotonic() - started < 2, "the sweep finds what was not rung"
    await eventually(partial(is_deaf, far), TURNS_DEAF_S)
    assert await hears(near)
    await scene.tenant.publish_numbers("tasks", [2])
    await client.received(2)
    scene.link.heal()
    await eventually(partial(hears, far), TURNS_DEAF_S)
    assert client.of_type("reset") == []


@ON_VALKEY
async def test_F7_a_gateway_whose_reads_are_dead_turns_unready_and_loses_nothing(
    scene: Scene,
) -> None:
    near, far = scene.stack.gateways
    client = await scene.tenant.connect(FAR)
    await scene.tenant.publish_numbers("tasks", [1])
    await client.received(1)
    scene.link.freeze_users_of(b"XREAD")
    await scene.tenant.publish_numbers("tasks", range(2, 20))
    await eventually(partial(is_deaf, far), TURNS_DEAF_S)
    assert await hears(near)
    scene.link.heal()
    await client.received(19)
    await eventually(partial(hears, far), TURNS_DEAF_S)
    assert client.of_type("reset") == []


@ON_VALKEY
async def test_P25_a_gateway_that_cannot_reach_redis_at_all_stays_ready(scene: Scene) -> None:
    here, there = await scene.tenant.connect(NEAR), await scene.tenant.connect(FAR)
    scene.link.freeze()
    await scene.tenant.publish_numbers("tasks", [1])
    await here.received(1)
    await all_stay_ready(scene.stack, for_s=8)
    scene.link.heal()
    await there.received(1)
    assert there.of_type("reset") == []


@ON_VALKEY
async def test_P25_dead_workers_make_no_gateway_unready(scene: Scene) -> None:
    scene.stack.worker.kill()
    await all_stay_ready(scene.stack, for_s=10)
    waiting = await scene.tenant.redis.xlen(scene.tenant.keys.events(CANARY))
    assert waiting <= 20, "nothing piles up meanwhile"
    await scene.stack.worker.start()
    await all_hear(scene.stack)


@ON_VALKEY
async def test_a_bell_that_forgot_its_subscriptions_is_connected_anew(scene: Scene) -> None:
    far = scene.stack.gateways[FAR]
    scene.link.lose(b"smessage")
    await eventually(lambda: "connected and mute" in far.stderr, 10)
    await eventually(partial(hears, far), 10)
    assert not (await asked(far))["deaf"]


@pytest.mark.parametrize("fault", ["pause", "kill"])
async def test_P25_an_outage_of_redis_leaves_all_gateways_ready(
    start_server: StartServer, start_stack: StartStack, fault: str
) -> None:
    server = start_server(append_only=True)
    stack = await start_stack(redis_url=server.url, gateways=2, env=ENV)
    await all_hear(stack)
    (server.pause if fault == "pause" else server.kill)()
    await all_stay_ready(stack, for_s=10)
    if fault == "pause":
        server.resume()
    else:
        await asyncio.to_thread(server.start)
    await all_hear(stack)
