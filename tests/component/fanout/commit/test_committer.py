"""Due batches leave together, the most important first; answers reach their topics."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from redis.exceptions import NoScriptError, ResponseError

from fanout.commit.committer import Committer, ServerRefused
from fanout.commit.fairness import FairnessLimits
from fanout.commit.limits import CommitLimits
from fanout.commit.pressure import PressureLimits
from fanout.commit.telemetry import UNRECORDED
from fanout.counters import WorkerCounters
from fanout.topic.open_topic import OpenTopic
from fanout.topic.refusals import Refusal
from shared.redis.owned_connection import OwnedConnection
from shared.redis.server_clock import ServerClock
from tests.support.fanout_values import BATCHES, an_event, an_open_topic
from tests.support.waiting import eventually


class FakeCommitterConnection:
    """Answers each commit by the service it is of; 1 unless told otherwise."""

    def __init__(self) -> None:
        self.turns: list[list[str]] = []
        self.answers: dict[str, object] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    async def call_all(self, commands: Sequence[Sequence[Any]]) -> list[object]:
        services = [str(command[8 + 12]) for command in commands]
        self.turns.append(services)
        await self.gate.wait()
        return [self.answers.get(service, 1) for service in services]


class CommitterBench:
    """A committer with a fake connection, and what it reported."""

    def __init__(
        self, fairness: FairnessLimits | None = None, pressure: PressureLimits | None = None
    ) -> None:
        self.connection = FakeCommitterConnection()
        self.counters = WorkerCounters()
        self.refused: list[tuple[OpenTopic, Refusal]] = []
        self.committer = Committer(
            cast(OwnedConnection, self.connection),
            CommitLimits(10, fairness or FairnessLimits(), pressure or PressureLimits()),
            clock=ServerClock(),
            counters=self.counters,
            telemetry=UNRECORDED,
            on_refused=lambda topic, refusal, why: self.refused.append((topic, refusal)),
        )

    def add(self, topic: OpenTopic, number: int = 1) -> None:
        topic.batches.add(an_event(number), now_ms=0)
        self.committer.schedule(topic)

    async def until_idle(self, *topics: OpenTopic) -> None:
        """Let the committer work until it has nothing left, then stop it."""
        async with asyncio.timeout(2), asyncio.TaskGroup() as tasks:
            tasks.create_task(self.committer.run())
            await eventually(lambda: all(topic.is_idle for topic in topics), every_s=0)
            self.committer.stop()


async def test_what_is_due_leaves_in_one_turn_the_highest_tier_first() -> None:
    bench = CommitterBench()
    topics = [an_open_topic(service) for service in ("dashboard", "properties", "finance", "tasks")]
    for topic in topics:
        bench.add(topic)
    await bench.until_idle(*topics)
    assert bench.connection.turns == [["finance", "tasks", "properties", "dashboard"]]
    assert bench.counters.events == 4


async def test_a_topic_has_one_batch_in_flight() -> None:
    bench = CommitterBench()
    topic = an_open_topic()
    for number in range(450):
        bench.add(topic, number)
    await bench.until_idle(topic)
    assert bench.connection.turns == [["tasks"], ["tasks"], ["tasks"]]
    assert topic.standing.seq == 450


async def test_a_turn_is_bounded_and_the_rest_follows() -> None:
    bench = CommitterBench(
        fairness=FairnessLimits(turn_bytes=2_000, tier_least_bytes=1, commit_bytes=1_000)
    )
    topics = [an_open_topic(f"s{n}") for n in range(5)]
    for topic in topics:
        bench.add(topic)
    await bench.until_idle(*topics)
    assert [len(turn) for turn in bench.connection.turns] == [2, 2, 1]


async def test_a_stale_commit_is_reported_and_the_others_are_settled() -> None:
    bench = CommitterBench()
    stale, fine = an_open_topic("finance"), an_open_topic("tasks")
    bench.connection.answers["finance"] = ResponseError("STALE cursor 5-0")
    bench.add(stale)
    bench.add(fine)
    await bench.until_idle(fine)
    assert bench.refused == [(stale, Refusal.STALE)]
    assert bench.counters.stale_commits == 1
    assert fine.standing.seq == 1


@pytest.mark.parametrize("case", ["F46"])
async def test_an_answer_about_the_server_ends_the_term(case: str) -> None:
    bench = CommitterBench()
    bench.connection.answers["tasks"] = NoScriptError("No matching.", status_code="NOSCRIPT")
    bench.add(an_open_topic())
    with pytest.raises(ServerRefused, match="NOSCRIPT"):
        await bench.committer.run()


async def test_a_closed_topic_is_not_committed() -> None:
    bench = CommitterBench()
    closed, other = an_open_topic("finance"), an_open_topic("tasks")
    bench.add(closed)
    bench.add(other)
    closed.is_closed = True
    await bench.until_idle(other)
    assert bench.connection.turns == [["tasks"]]


async def test_finishing_commits_what_is_not_due_yet() -> None:
    bench = CommitterBench()
    topic = an_open_topic()
    async with asyncio.timeout(2), asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.committer.run())
        bench.add(topic)
        topic.batches.add(an_event(2), now_ms=1e15)
        await bench.committer.finish([topic], within_ms=1_000)
        bench.committer.stop()
    assert topic.is_idle
    assert topic.standing.seq == 2


async def test_finishing_gives_up_when_the_server_is_silent() -> None:
    bench = CommitterBench()
    topic = an_open_topic()
    bench.connection.gate.clear()
    async with asyncio.timeout(2), asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.committer.run())
        bench.add(topic)
        await bench.committer.finish([topic], within_ms=10)
        assert not topic.is_idle
        bench.committer.stop()
        bench.connection.gate.set()


@pytest.mark.parametrize(
    ("service", "events", "pruned"),
    [("dashboard", 2, {"low": 7}), ("properties", 9, {}), ("tasks", 9, {}), ("finance", 9, {})],
)
async def test_under_pressure_the_low_tier_leaves_with_the_latest_of_each_entity(
    service: str, events: int, pruned: dict[str, int]
) -> None:
    bench = CommitterBench(pressure=PressureLimits(low_bytes=0))
    topic = an_open_topic(service, limits=replace(BATCHES, max_events=3))
    for number in range(9):
        topic.batches.add(an_event(number, entity_id=f"t{number % 2}"), now_ms=0)
    bench.committer.schedule(topic)
    await bench.until_idle(topic)
    assert bench.counters.events == topic.standing.seq == events
    assert bench.counters.pruned_by_tier == pruned
    assert topic.standing.cursor == "1000-8", "the cursor passes what was pruned"


async def test_no_event_is_pruned_without_a_backlog() -> None:
    bench = CommitterBench()
    topic = an_open_topic("dashboard", limits=replace(BATCHES, max_events=3))
    for number in range(9):
        topic.batches.add(an_event(number, entity_id="t"), now_ms=0)
    bench.committer.schedule(topic)
    await bench.until_idle(topic)
    assert bench.counters.events == 9
    assert bench.counters.pruned_by_tier == {}
