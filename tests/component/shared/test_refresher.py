"""What is marked is read soon and once, what a poll finds as well, and what failed again."""

import asyncio
from collections.abc import AsyncIterator, Set
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from fanwire.errors import Overloaded
from shared.refresher import Refresher
from tests.support.waiting import eventually

NEVER_MS = 3_600_000


class RefresherStage:
    def __init__(self, *, poll_ms: float = NEVER_MS) -> None:
        self.reads: list[Set[str]] = []
        self.polls = 0
        self.found: list[str] = []
        self.failures: list[Exception] = []
        self.poll_failures: list[Exception] = []
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.refresher = Refresher(self._read, self._poll, poll_ms=poll_ms, failed="stage.failed")

    async def _read(self, keys: Set[str]) -> None:
        self.reads.append(keys)
        await self.may_read.wait()
        if self.failures:
            raise self.failures.pop()

    async def _poll(self) -> list[str]:
        self.polls += 1
        if self.poll_failures:
            raise self.poll_failures.pop()
        found, self.found = self.found, []
        return found


@asynccontextmanager
async def running(*, poll_ms: float = NEVER_MS) -> AsyncIterator[RefresherStage]:
    stage = RefresherStage(poll_ms=poll_ms)
    async with asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(stage.refresher.run())
        try:
            yield stage
        finally:
            loop.cancel()


async def test_what_is_marked_during_a_read_is_read_together_by_the_next() -> None:
    async with running() as stage:
        stage.may_read.clear()
        stage.refresher.mark("a")
        await eventually(lambda: stage.reads == [{"a"}], every_s=0)
        stage.refresher.mark("b", "c")
        stage.refresher.mark("b")
        stage.may_read.set()
        await eventually(lambda: stage.reads == [{"a"}, {"b", "c"}], every_s=0)


@pytest.mark.parametrize(
    "failure", [Overloaded("gone", retry_after_ms=1), RedisConnectionError("x"), OSError("x")]
)
async def test_what_a_failed_read_was_to_bring_is_read_with_the_next_mark(
    failure: Exception,
) -> None:
    async with running() as stage:
        stage.failures = [failure]
        stage.refresher.mark("a")
        await eventually(lambda: stage.failures == [], every_s=0)
        stage.refresher.mark("b")
        await eventually(lambda: stage.reads == [{"a"}, {"a", "b"}], every_s=0)


async def test_what_a_failed_read_was_to_bring_is_read_with_the_next_poll() -> None:
    async with running(poll_ms=1) as stage:
        stage.failures = [OSError("gone")]
        stage.refresher.mark("a")
        await eventually(lambda: stage.reads == [{"a"}, {"a"}])


async def test_what_a_poll_finds_is_read_and_a_poll_that_finds_nothing_reads_nothing() -> None:
    async with running(poll_ms=1) as stage:
        stage.found = ["a"]
        await eventually(lambda: stage.polls > 3)
        assert stage.reads == [{"a"}]


async def test_a_poll_that_fails_is_followed_by_the_next() -> None:
    async with running(poll_ms=1) as stage:
        stage.poll_failures = [OSError("gone")]
        stage.found = ["a"]
        await eventually(lambda: stage.reads == [{"a"}])


async def test_marks_that_never_pause_do_not_put_off_the_poll() -> None:
    async with running(poll_ms=1) as stage, asyncio.timeout(5):
        while stage.polls < 2:
            stage.refresher.mark("a")
            await asyncio.sleep(0)


async def test_a_mistake_of_the_program_is_not_taken_for_an_outage() -> None:
    stage = RefresherStage()
    stage.failures = [KeyError("typo")]
    stage.refresher.mark("a")
    with pytest.raises(ExceptionGroup) as raised:
        await stage.refresher.run()
    assert raised.value.subgroup(KeyError) is not None
