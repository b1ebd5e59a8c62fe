"""Following the held topics through rings, losses and bad neighbours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fanwire.core.ids import Org, Service
from fanwire.core.keys import Topic
from fanwire.core.position import ZERO
from fanwire.core.tiers import Tiers
from gateway.delivery.chain import ResetReason
from gateway.delivery.hub import HeldTopic, Hub
from gateway.delivery.live_feed import LiveFeed
from gateway.delivery.portion import MOST_BATCHES
from gateway.delivery.replay_log import UnreadableTopic
from shared.redis.pipelined import RedisUnavailable
from tests.support.gateway_values import (
    ACME,
    EPOCH,
    TASKS_OF_ACME,
    USERS,
    a_plain_chain,
    at,
)
from tests.support.loopback import Client, RecordingSessions
from tests.support.memory_log import MemoryLog
from tests.support.server_frames import Reader
from tests.support.waiting import eventually

USERS_OF_ACME = Topic(ACME, USERS)
TASKS_OF_GLOBEX = Topic(Org("globex"), Service("tasks"))


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.delivery.live_feed.RETRY_S", 0.0)


class LiveFeedStage:
    def __init__(self, *, sweep_ms: int = 3_600_000) -> None:
        self.hub = Hub()
        self.log = MemoryLog()
        self.feed = LiveFeed(self.hub, self.log, Tiers(), sweep_ms=sweep_ms)

    async def join(self, topic: Topic = TASKS_OF_ACME) -> tuple[HeldTopic, Client]:
        held = await self.feed.open(topic)
        client = Client(RecordingSessions(self.hub))
        held.join(client.connection, None)
        return held, client

    async def until(self, held: HeldTopic, seq: int, *, epoch: int = EPOCH) -> None:
        await eventually(lambda: held.position == at(seq, epoch=epoch), every_s=0)


@asynccontextmanager
async def running(*, sweep_ms: int = 3_600_000) -> AsyncIterator[LiveFeedStage]:
    stage = LiveFeedStage(sweep_ms=sweep_ms)
    async with asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(stage.feed.run())
        try:
            yield stage
        finally:
            loop.cancel()


def seqs(client: Client) -> list[int]:
    return [event["seq"] for message in client.messages() for event in message["events"]]


async def test_a_topic_is_opened_at_its_head() -> None:
    stage = LiveFeedStage()
    stage.log.commit(TASKS_OF_ACME, a_plain_chain(3))
    held = await stage.feed.open(TASKS_OF_ACME)
    assert (held.position, held.epoch) == (at(3), EPOCH)
    assert await stage.feed.open(TASKS_OF_ACME) is held


async def test_a_topic_that_does_not_exist_yet_is_opened_at_zero() -> None:
    assert (await LiveFeedStage().feed.open(TASKS_OF_ACME)).position == ZERO


async def test_F29_sockets_that_open_a_topic_at_once_share_it() -> None:
    stage = LiveFeedStage()
    helds = await asyncio.gather(*(stage.feed.open(TASKS_OF_ACME) for _ in range(5)))
    assert len(set(map(id, helds))) == 1


async def test_a_batch_committed_while_the_topic_was_opened_is_not_missed() -> None:
    async with running() as stage:
        [first, second] = a_plain_chain(2)
        stage.log.commit(TASKS_OF_ACME, [first])

        def commit_more() -> None:
            stage.log.after_reply = lambda: None
            stage.log.commit(TASKS_OF_ACME, [second])

        stage.log.after_reply = commit_more
        held, _ = await stage.join()
        await stage.until(held, 2)


async def test_a_ring_brings_what_was_committed() -> None:
    async with running() as stage:
        held, client = await stage.join()
        stage.log.commit(TASKS_OF_ACME, a_plain_chain(3))
        stage.feed.moved(TASKS_OF_ACME, at(3))
        await stage.until(held, 3)
        assert seqs(client) == [1, 2, 3]
        assert stage.feed.events_delivered == 3


async def test_a_ring_that_tells_nothing_new_costs_no_read() -> None:
    async with running() as stage:
        stage.log.commit(TASKS_OF_ACME, a_plain_chain(3))
        await stage.join()
        for _ in range(10):
            await asyncio.sleep(0)
        reads_before = stage.log.read_count
        stage.feed.moved(TASKS_OF_ACME, at(3))
        stage.feed.moved(TASKS_OF_ACME, at(1))
        stage.feed.moved(USERS_OF_ACME, at(9))
        for _ in range(10):
            await asyncio.sleep(0)
        assert stage.log.read_count == reads_before


async def test_a_ring_that_cannot_be_read_is_a_reason_to_look() -> None:
    async with running() as stage:
        held, _ = await stage.join()
        stage.log.commit(TASKS_OF_ACME, a_plain_chain(1))
        stage.feed.moved(TASKS_OF_ACME, None)
        await stage.until(held, 1)


async def test_more_than_one_read_holds_is_read_on_without_a_further_ring() -> None:
    async with running() as stage:
        held, client = await stage.join()
        count = 2 * MOST_BATCHES + 5
        stage.log.commit(TASKS_OF_ACME, a_plain_chain(count))
        stage.feed.moved(TASKS_OF_ACME, at(1))
        await stage.until(held, count)
        assert seqs(client) == list(range(1, count + 1))


async def test_F42_a_quiet_org_waits_for_a_piece_of_a_busy_one_and_not_for_all_of_it() -> None:
    async with running() as stage:
        busy, _ = await stage.join()
        quiet, _ = await stage.join(TASKS_OF_GLOBEX)
        stage.log.commit(TASKS_OF_ACME, a_plain_chain(20 * MOST_BATCHES))
        stage.log.commit(TASKS_OF_GLOBEX, a_plain_chain(1))
        stage.feed.moved(TASKS_OF_ACME, at(1))
        stage.feed.moved(TASKS_OF_GLOBEX, at(1))
        await stage.until(quiet, 1)
        assert busy.position <= at(2 * MOST_BATCHES)
        await stage.until(busy, 20 * MOST_BATCHES)


@pytest.mark.parametrize(
    "failure", [RedisUnavailable("gone"), OSError("no route"), TimeoutError("slow")]
)
async def test_F10_a_read_that_fails_is_tried_again(failure: Exception) -> None:
    async with running() as stage:
        held, client = await stage.join()
        stage.log.commit(TASKS_OF_ACME, a_plain_chain(2))
        stage.log.failures = [failure] * 3
        stage.feed.moved(TASKS_OF_ACME, at(2))
        await stage.until(held, 2)
        assert seqs(client) == [1, 2]


async def test_F12_a_lost_ring_is_found_when_the_bell_is_heard_anew() -> None:
    async with running() as stage:
        held, _ = await stage.join()
        stage.log.commit(TASKS_OF_ACME, a_plain_chain(2))
        stage.feed.suspect_org(ACME)
        await stage.until(held, 2)


async def test_a_lost_ring_is_found_by_the_sweep() -> None:
    async with running(sweep_ms=1) as stage:
        held, _ = await stage.join()
        stage.log.commit(TASKS_OF_ACME, a_plain_chain(2))
        await stage.until(held, 2)


async def test_F14_a_log_that_was_rolled_back_is_found_although_no_read_would_tell() -> None:
    async with running() as stage:
        stage.log.commit(TASKS_OF_ACME, a_plain_chain(5))
        held, client = await stage.join()
        stage.log.forget()
        stage.log.commit(TASKS_OF_ACME, a_plain_chain(3))
        stage.feed.suspect_org(ACME)
        await stage.until(held, 3)
        [reset] = client.messages()
        assert (reset["reason"], reset["position"]) == (ResetReason.ROLLED_BACK, str(at(3)))


async def test_F17_after_the_server_was_emptied_the_topic_goes_on_in_a_new_epoch() -> None:
    async with running() as stage:
        stage.log.commit(TASKS_OF_ACME, a_plain_chain(5))
        held, client = await stage.join()
        stage.log.forget()
        stage.feed.suspect_org(ACME)
        await eventually(lambda: held.position == ZERO, every_s=0)
        stage.log.commit(TASKS_OF_ACME, a_plain_chain(2, epoch=EPOCH + 1))
        stage.feed.moved(TASKS_OF_ACME, at(2, epoch=EPOCH + 1))
        await stage.until(held, 2, epoch=EPOCH + 1)
        reader = Reader(at(5))
        reader.take(client.transport.received())
        assert reader.resets == [ResetReason.UNKNOWN_EPOCH]
        assert reader.seqs == [1, 2]


async def test_F47_a_topic_whose_hash_is_not_ours_does_not_stop_the_others() -> None:
    async with running() as stage:
        bad, _ = await stage.join(USERS_OF_ACME)
        good, client = await stage.join()
        stage.log.failing[USERS_OF_ACME] = UnreadableTopic("WRONGTYPE")
        stage.log.commit(TASKS_OF_ACME, a_plain_chain(2))
        stage.feed.suspect_org(ACME)
        await stage.until(good, 2)
        assert seqs(client) == [1, 2]
        assert bad.position == ZERO


async def test_F47_a_topic_whose_hash_is_not_ours_can_still_be_opened() -> None:
    stage = LiveFeedStage()
    stage.log.failing[TASKS_OF_ACME] = UnreadableTopic("WRONGTYPE")
    assert (await stage.feed.open(TASKS_OF_ACME)).position == ZERO


async def test_an_open_that_redis_fails_holds_nothing() -> None:
    stage = LiveFeedStage()
    stage.log.failures = [RedisUnavailable("gone")]
    with pytest.raises(RedisUnavailable):
        await stage.feed.open(TASKS_OF_ACME)
    assert len(stage.hub) == 0


async def test_only_the_org_that_is_suspected_is_looked_at() -> None:
    async with running() as stage:
        ours, _ = await stage.join()
        theirs, _ = await stage.join(TASKS_OF_GLOBEX)
        for topic in (TASKS_OF_ACME, TASKS_OF_GLOBEX):
            stage.log.commit(topic, a_plain_chain(1))
        stage.feed.suspect_org(ACME)
        await stage.until(ours, 1)
        assert theirs.position == ZERO


async def test_F43_a_topic_without_sockets_is_let_go_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.delivery.live_feed.IDLE_TOPIC_MS", 5)
    async with running(sweep_ms=1) as stage:
        await stage.feed.open(USERS_OF_ACME)
        held, client = await stage.join()
        await eventually(lambda: stage.hub.get(USERS_OF_ACME) is None)
        assert stage.hub.get(TASKS_OF_ACME) is held
        client.transport.lose()
        held.leave(client.connection)
        await eventually(lambda: len(stage.hub) == 0)


async def test_a_topic_that_a_socket_is_on_its_way_to_is_not_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.delivery.live_feed.IDLE_TOPIC_MS", 0)
    async with running(sweep_ms=1) as stage:
        held = await stage.feed.open(TASKS_OF_ACME)
        held.arriving_count += 1
        await stage.feed.open(USERS_OF_ACME)
        await eventually(lambda: stage.hub.get(USERS_OF_ACME) is None)
        assert stage.hub.get(TASKS_OF_ACME) is held


async def test_a_mistake_of_ours_ends_the_process_loudly() -> None:
    stage = LiveFeedStage()
    await stage.join()
    stage.log.failures = [KeyError("ours")]
    running_feed = asyncio.gather(stage.feed.run(), return_exceptions=True)
    stage.feed.mark(TASKS_OF_ACME)
    [outcome] = await running_feed
    assert isinstance(outcome, ExceptionGroup)
    assert outcome.split(KeyError)[1] is None
