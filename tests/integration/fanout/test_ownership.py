"""Who fans out when workers come, go, die and come back from the dead."""

import asyncio
import itertools
import re
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from fanout.ownership.rendezvous import partitions_of
from fanwire.core.ids import Org, Service
from fanwire.core.keys import PARTITION_COUNT, Topic
from tests.conftest import StartStack
from tests.integration.fanout.conftest import FanoutDesk
from tests.support.role import Role
from tests.support.stack import Stack
from tests.support.waiting import eventually

LEASE_MS = 1_500
ENV = {"FANOUT_LEASE_MS": str(LEASE_MS), "FANOUT_LEASE_RENEW_MS": "500"}
MARKS = itertools.count(9_000_000)
TOPICS = [Topic(Org(f"org-{n}"), Service("tasks")) for n in range(20)]

pytestmark = pytest.mark.slow


class OwnershipFlow:
    """Publishes numbers to every topic, one after the other, until told to stop."""

    def __init__(self, desk: FanoutDesk, *, every_s: float = 0.02) -> None:
        self._desk = desk
        self._every_s = every_s
        self._is_stopping = False
        self.count = 0
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        # Not cancelled: a cancelled publish may have been taken or not.
        while not self._is_stopping:
            for topic in TOPICS:
                await self._desk.publish([self.count], topic)
            self.count += 1
            await asyncio.sleep(self._every_s)

    async def stop(self) -> None:
        """End after a whole round."""
        self._is_stopping = True
        await self._task


@pytest.fixture
async def flow(desk: FanoutDesk) -> AsyncIterator[OwnershipFlow]:
    """A steady stream of events to all topics."""
    running = OwnershipFlow(desk)
    yield running
    await running.stop()


async def state_of(worker: Role) -> dict[str, object]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{worker.internal_url}/livez")
    state: dict[str, object] = answer.json()
    return state


async def shares(stack: Stack) -> dict[str, int]:
    states = [await state_of(worker) for worker in stack.workers if worker.is_running]
    return {str(state["worker"]): int(str(state["partitions"])) for state in states}


async def until_shared(stack: Stack) -> dict[str, int]:
    """Wait until each worker holds what it is to hold, and no more: all of it is one's first."""

    async def is_shared() -> dict[str, int] | None:
        held = await shares(stack)
        return held if held == {name: len(partitions_of(name, held)) for name in held} else None

    return await eventually(is_shared, 10)


async def head_moves(desk: FanoutDesk, *, within_s: float) -> float:
    """Publish to every topic and return how long until all of it was committed."""
    started = time.monotonic()
    marks = [next(MARKS) for _ in TOPICS]
    for topic, mark in zip(TOPICS, marks, strict=True):
        await desk.publish([mark], topic)
    for topic, mark in zip(TOPICS, marks, strict=True):

        async def is_there(topic: Topic = topic, mark: int = mark) -> bool:
            return {"n": mark} in (await desk.ledger(topic)).payloads

        await eventually(is_there, within_s)
    return time.monotonic() - started


async def check_all(desk: FanoutDesk, flow: OwnershipFlow) -> None:
    await flow.stop()
    for topic in TOPICS:
        await desk.delivered(range(flow.count), topic, timeout_s=10)


async def test_two_workers_share_the_partitions(start_stack: StartStack, desk: FanoutDesk) -> None:
    stack = await start_stack(gateways=0, workers=2, env=ENV)
    held = await until_shared(stack)
    assert sum(held.values()) == PARTITION_COUNT
    assert min(held.values()) > PARTITION_COUNT // 4
    await desk.publish([1])
    await desk.delivered([1])


async def test_a_worker_that_joins_gets_its_share_without_loss(
    start_stack: StartStack, desk: FanoutDesk, flow: OwnershipFlow
) -> None:
    stack = await start_stack(gateways=0, workers=2, env=ENV)
    await stack.workers[1].stop()
    await stack.workers[1].start()
    await until_shared(stack)
    await check_all(desk, flow)


@pytest.mark.alone
async def test_a_stopped_worker_hands_over_within_a_second(
    start_stack: StartStack, desk: FanoutDesk
) -> None:
    # A lease that is not given back would last long past the second.
    stack = await start_stack(gateways=0, workers=2, env=ENV | {"FANOUT_LEASE_MS": "9000"})
    await head_moves(desk, within_s=5)
    await until_shared(stack)
    started = time.monotonic()
    stack.workers[0].terminate()
    assert await stack.workers[0].wait() == 0
    await head_moves(desk, within_s=20)
    # Half a second is the promise; the rest is the end of the process, seen from outside.
    assert time.monotonic() - started < 1.5


async def test_a_stopped_worker_loses_and_doubles_nothing(
    start_stack: StartStack, desk: FanoutDesk, flow: OwnershipFlow
) -> None:
    stack = await start_stack(gateways=0, workers=2, env=ENV)
    await until_shared(stack)
    await stack.workers[0].stop()
    await check_all(desk, flow)


@pytest.mark.alone
async def test_a_killed_worker_is_replaced_within_its_lease_and_a_second(
    start_stack: StartStack, desk: FanoutDesk
) -> None:
    stack = await start_stack(gateways=0, workers=2, env=ENV)
    await head_moves(desk, within_s=5)
    await until_shared(stack)
    stack.workers[0].kill()
    assert await head_moves(desk, within_s=10) < LEASE_MS / 1000 + 1


@pytest.mark.parametrize("case", ["F1"])
async def test_ids_are_known_across_a_kill(
    start_stack: StartStack, desk: FanoutDesk, flow: OwnershipFlow, case: str
) -> None:
    stack = await start_stack(gateways=0, workers=1, env=ENV)
    await eventually(lambda: flow.count > 20)
    stack.worker.kill()
    await desk.publish(range(10), TOPICS[0])  # a publisher that never got its replies
    await stack.worker.start()
    await desk.publish(range(10), TOPICS[0])
    await check_all(desk, flow)


@pytest.mark.parametrize("case", ["F3"])
async def test_a_worker_back_from_a_pause_is_refused(
    start_stack: StartStack, desk: FanoutDesk, case: str
) -> None:
    # Patient with Redis: on a busy machine the pause may last longer than an answer is waited
    # for, and who gave up its connection has nothing left to be refused.
    env = ENV | {"REALTIME_REDIS_TIMEOUT_MS": "60000"}
    stack = await start_stack(gateways=0, workers=1, env=env)
    await desk.publish([0])
    await desk.delivered([0])
    zombie = stack.worker
    zombie.pause()
    await desk.publish(range(1, 50))  # these wait in its socket already
    heir = await start_stack(gateways=0, workers=1, env=ENV)
    await desk.delivered(range(50), timeout_s=10)
    zombie.resume()

    async def refused() -> bool:
        counters = (await state_of(zombie))["counters"]
        assert isinstance(counters, dict)
        return bool(counters["stale_commits"])

    await eventually(refused, 10)
    await desk.publish(range(50, 100))
    await desk.delivered(range(100), timeout_s=10)
    assert heir.worker.is_running


@pytest.mark.parametrize("case", ["F4", "F49"])
async def test_two_workers_that_both_believe_to_own_a_topic_do_no_harm(
    start_stack: StartStack, desk: FanoutDesk, flow: OwnershipFlow, case: str
) -> None:
    stack = await start_stack(gateways=0, workers=2, env=ENV)
    # Every lease lapses again and again, so that both take what the other has.
    for _ in range(20):
        for n in range(PARTITION_COUNT):
            await desk.redis.hset(desk.keys.lease(n), "deadline", "0")
        await asyncio.sleep(0.1)
    assert all(worker.is_running for worker in stack.workers)
    await check_all(desk, flow)


@pytest.mark.parametrize("case", ["B137"])
async def test_a_copied_worker_name_is_told_apart(
    start_stack: StartStack, desk: FanoutDesk, case: str
) -> None:
    first = await start_stack(gateways=0, workers=1, env=ENV)
    second = await start_stack(gateways=0, workers=1, env=ENV)
    names = {str((await state_of(stack.worker))["worker"]) for stack in (first, second)}
    assert len(names) == 2
    assert all(re.fullmatch(r"w-0~[0-9a-f]{8}", name) for name in names)
    await desk.publish([1])
    await desk.delivered([1])
