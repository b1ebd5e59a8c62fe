"""From an old position to the live stream, however the two interleave."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.position import ZERO, Position
from fanwire.core.property_filter import PropertyFilter, passes
from fanwire.core.tiers import Tier, Tiers
from gateway.connection.lanes import ReplayPoint
from gateway.delivery.catch_up import CatchUps
from gateway.delivery.chain import ResetReason
from gateway.delivery.cutting import whole
from gateway.delivery.hub import HeldTopic, Hub
from gateway.delivery.live_feed import LiveFeed
from gateway.delivery.log_entry import LogEntry
from gateway.delivery.tail import Tail
from shared.redis.pipelined import RedisUnavailable
from tests.support.gateway_values import (
    EPOCH,
    TASKS_OF_ACME,
    a_chain,
    a_plain_chain,
    at,
    some_claims,
)
from tests.support.loopback import LIMITS, Client, RecordingSessions
from tests.support.memory_log import MemoryLog
from tests.support.server_frames import Reader, messages

BEGINNING = ReplayPoint(ZERO, ZERO)


@pytest.fixture(autouse=True, scope="module")
def _small_pieces_without_pauses() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.delivery.catch_up.PACE_S", 0.0)
        patch.setattr("gateway.delivery.catch_up.ENTRIES_PER_PIECE", 3)
        yield


class CatchUpStage:
    """A topic that a worker commits to, a gateway that follows it, and one client."""

    def __init__(
        self,
        chain: Sequence[LogEntry],
        *,
        wanted: PropertyFilter = None,
        tail_entries: int = 2,
        hard_limit_bytes: int = 10_000_000,
    ) -> None:
        self._rest = list(chain)
        hub = Hub()
        self.log = MemoryLog()
        self.held = HeldTopic(TASKS_OF_ACME, Tier.HIGH, position=ZERO, epoch=EPOCH, now_ms=0)
        self.held.tail = Tail(max_entries=tail_entries)
        hub.hold(self.held)
        self.feed = LiveFeed(hub, self.log, Tiers(), sweep_ms=5_000)
        self.catch_ups = CatchUps(self.feed, self.log)
        limits = replace(LIMITS, hard_limit_bytes=hard_limit_bytes)
        properties = None if wanted is None else sorted(wanted)
        self.client = Client(
            RecordingSessions(hub, limits), claims=some_claims(properties=properties)
        )
        self.reader = Reader()

    def commit(self, count: int) -> None:
        """Let the worker commit the next batches of the chain."""
        committed, self._rest = self._rest[:count], self._rest[count:]
        if committed:
            self.log.commit(TASKS_OF_ACME, committed)

    def follow(self, count: int | None = None) -> None:
        """Let the gateway read and deliver what was committed, or the first of it."""
        known = self.log.entries[TASKS_OF_ACME]
        new = [entry for entry in known if entry.position > self.held.position]
        self.held.deliver(new[:count], now_ms=0)

    def read(self) -> None:
        """Let the client read all that was written for it."""
        self.reader.take(self.client.transport.received_in_full())

    async def catch_up(self, position: Position) -> None:
        """Bring the client from `position` to the live stream, while it reads on and on."""
        self.reader.position = position
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read_on())
            await self.catch_ups.run(
                self.catch_ups.start(
                    self.client.connection, self.held, ReplayPoint(position, position)
                )
            )
            reading.cancel()
        self.read()

    async def _read_on(self) -> None:
        while True:
            self.read()
            await asyncio.sleep(0)


async def test_a_socket_at_the_head_is_live_at_once() -> None:
    stage = CatchUpStage(a_plain_chain(3))
    stage.commit(2)
    stage.follow()
    await stage.catch_up(at(2))
    stage.commit(1)
    stage.follow()
    stage.read()
    assert stage.reader.seqs == [3]
    assert stage.log.read_count == 0


async def test_what_the_tail_holds_needs_no_read() -> None:
    stage = CatchUpStage(a_plain_chain(5), tail_entries=3)
    stage.commit(5)
    stage.follow()
    await stage.catch_up(at(2))
    assert stage.reader.seqs == [3, 4, 5]
    assert stage.log.read_count == 0


async def test_a_long_way_is_read_piece_by_piece() -> None:
    stage = CatchUpStage(a_plain_chain(50))
    stage.commit(50)
    stage.follow()
    await stage.catch_up(ZERO)
    assert stage.reader.seqs == list(range(1, 51))
    assert stage.log.read_count == 16


async def test_F30_a_log_that_is_trimmed_to_its_end_is_a_reset() -> None:
    stage = CatchUpStage(a_plain_chain(9))
    stage.commit(9)
    stage.follow()
    stage.log.trim(TASKS_OF_ACME, 9)
    await stage.catch_up(at(1))
    assert stage.reader.resets == [ResetReason.EXPIRED]
    assert stage.reader.position == at(9)


async def test_F28_a_socket_that_ends_on_its_way_leaves_nothing_behind() -> None:
    stage = CatchUpStage(a_plain_chain(50))
    stage.commit(50)
    stage.follow()
    stage.log.after_reply = stage.client.transport.lose
    await stage.catch_up(ZERO)
    assert len(stage.catch_ups) == 0
    assert not stage.held.is_needed


async def test_a_catch_up_that_redis_fails_leaves_nothing_behind() -> None:
    stage = CatchUpStage(a_plain_chain(9))
    stage.commit(9)
    stage.follow()
    stage.log.failures = [RedisUnavailable("gone")]
    with pytest.raises(RedisUnavailable):
        await stage.catch_ups.run(
            stage.catch_ups.start(stage.client.connection, stage.held, BEGINNING)
        )
    assert len(stage.catch_ups) == 0
    assert not stage.held.is_needed


async def test_a_topic_is_needed_while_a_socket_is_on_its_way_to_it() -> None:
    stage = CatchUpStage(a_plain_chain(9))
    stage.commit(9)
    stage.follow()
    needed: list[bool] = []
    stage.log.after_reply = lambda: needed.append(stage.held.is_needed)
    await stage.catch_up(ZERO)
    assert set(needed) == {True}


async def test_nothing_more_is_written_of_a_topic_that_the_socket_left() -> None:
    stage = CatchUpStage(a_plain_chain(9))
    stage.commit(9)
    stage.follow()

    def leave() -> None:
        stage.catch_ups.stop(stage.client.connection, TASKS_OF_ACME)

    stage.log.after_reply = leave
    await stage.catch_up(ZERO)
    assert stage.reader.seqs == []
    assert not stage.held.audiences


async def test_a_socket_that_takes_nothing_is_not_written_more_than_a_batch() -> None:
    payload = b'"%b"' % (b"x" * 60_000)
    stage = CatchUpStage(a_plain_chain(30, payload=payload), hard_limit_bytes=200_000)
    stage.commit(30)
    stage.follow()
    run = stage.catch_ups.run(stage.catch_ups.start(stage.client.connection, stage.held, BEGINNING))
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(run)
        for _ in range(100):
            await asyncio.sleep(0)
        assert 0 < stage.client.transport.get_write_buffer_size() < 61_000
        reading = tasks.create_task(stage._read_on())
        await task
        reading.cancel()
    stage.read()
    assert stage.reader.seqs == list(range(1, 31))


async def test_for_a_socket_that_takes_nothing_no_more_than_a_batch_is_held() -> None:
    payload = b'"%b"' % (b"x" * 60_000)
    stage = CatchUpStage(a_plain_chain(9, payload=payload))
    stage.commit(9)
    stage.follow()
    run = stage.catch_ups.run(stage.catch_ups.start(stage.client.connection, stage.held, BEGINNING))
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(run)
        for _ in range(100):
            await asyncio.sleep(0)
        assert stage.log.asked == [(ZERO, 3)]
        reading = tasks.create_task(stage._read_on())
        await task
        reading.cancel()
    stage.read()
    assert stage.log.asked[1] == (at(1), 1), "the rest of the piece is read anew, one by one"
    assert stage.reader.seqs == list(range(1, 10))


async def test_several_topics_resumed_at_once_do_not_overrun_their_socket() -> None:
    payload = b'"%b"' % (b"x" * 60_000)
    stages = [
        CatchUpStage(a_plain_chain(4, payload=payload), tail_entries=9, hard_limit_bytes=300_000)
        for _ in range(6)
    ]
    [first, *others] = stages
    for stage in stages:
        stage.commit(4)
        stage.follow()
        stage.client = first.client
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(first._read_on())
        catching_up = [
            stage.catch_ups.run(
                stage.catch_ups.start(first.client.connection, stage.held, BEGINNING)
            )
            for stage in stages
        ]
        await asyncio.gather(*catching_up)
        reading.cancel()
    assert first.client.connection.is_open
    assert all(stage.held.audiences for stage in others)


async def test_a_client_that_is_ahead_of_this_gateway_waits_for_it() -> None:
    stage = CatchUpStage(a_plain_chain(4))
    stage.commit(4)
    stage.follow(1)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(stage.catch_up(at(3)))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not stage.held.audiences
        stage.follow()
        await task
    assert stage.reader.seqs == [4]
    assert stage.reader.resets == []


async def test_F14_a_client_that_stays_ahead_is_told_that_its_events_were_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.delivery.catch_up.AHEAD_S", -1.0)
    stage = CatchUpStage(a_plain_chain(2))
    stage.commit(2)
    stage.follow()
    await stage.catch_up(at(9))
    assert stage.reader.resets == [ResetReason.ROLLED_BACK]
    assert stage.reader.position == at(2)
    assert stage.held.furthest == at(9), "its acks may still name the position"


async def test_F14_a_failover_on_the_way_is_a_reset_and_not_a_hole() -> None:
    lost, kept = a_plain_chain(20)[10:], a_plain_chain(10)
    stage = CatchUpStage([*kept, *lost], tail_entries=1)
    stage.commit(20)
    stage.follow()

    def fail_over() -> None:
        stage.log.after_reply = lambda: None
        stage.log.entries[TASKS_OF_ACME] = [*kept, *a_plain_chain(3, after=at(10), epoch=EPOCH + 1)]
        stage.held.reset(ResetReason.ROLLED_BACK, at(10))
        stage.follow()

    stage.log.after_reply = fail_over
    await stage.catch_up(at(12))
    assert stage.reader.resets == [ResetReason.ROLLED_BACK]
    assert stage.reader.position == at(3, epoch=EPOCH + 1)


async def test_a_filter_that_lets_the_end_pass_by_still_brings_the_client_to_the_head() -> None:
    stage = CatchUpStage(a_chain(["p1"], ["p2"], ["p2"]), wanted=frozenset(["p1"]))
    stage.commit(3)
    stage.follow()
    await stage.catch_up(ZERO)
    assert stage.reader.seqs == [1]
    assert stage.reader.position == at(3)


@dataclass(frozen=True)
class Step:
    """What happens while a read is under way, or between two turns of the loop."""

    committed: int
    is_followed: bool
    trimmed: int = 0


properties = st.sampled_from([None, "p1", "p2"])
chains = st.lists(st.lists(properties, min_size=1, max_size=3), min_size=1, max_size=30).map(
    lambda rows: a_chain(*rows)
)
filters = st.none() | st.frozensets(st.sampled_from(["p1", "p2"]))
small = st.integers(min_value=0, max_value=4)
quiet_steps = st.lists(st.builds(Step, committed=small, is_followed=st.booleans()), max_size=20)
trimming_steps = st.lists(
    st.builds(Step, committed=small, is_followed=st.booleans(), trimmed=small), max_size=20
)


async def played(
    chain: Sequence[LogEntry],
    wanted: PropertyFilter,
    steps: Sequence[Step],
    *,
    committed: int,
    followed: int,
    resumed: int,
) -> CatchUpStage:
    """Return the stage after a catch-up during which `steps` happened, and all was followed."""
    stage = CatchUpStage(chain, wanted=wanted)
    stage.commit(max(committed, resumed))
    stage.follow(followed)
    rest = iter(steps)

    def act() -> None:
        step = next(rest, Step(committed=1, is_followed=True))
        stage.log.trim(TASKS_OF_ACME, step.trimmed)
        stage.commit(step.committed)
        if step.is_followed:
            stage.follow()

    async def act_on() -> None:
        while True:
            await asyncio.sleep(0)
            act()

    stage.log.before_reply = stage.log.after_reply = act
    async with asyncio.TaskGroup() as tasks:
        acting = tasks.create_task(act_on())
        await stage.catch_up(chain[resumed - 1].position if resumed else ZERO)
        acting.cancel()
    stage.commit(len(chain))
    stage.follow()
    stage.read()
    return stage


def expected_seqs(chain: Sequence[LogEntry], wanted: PropertyFilter) -> list[int]:
    events = [event for message in messages(whole(chain)) for event in message["events"]]
    return [event["seq"] for event in events if passes(wanted, event.get("propertyId"))]


@given(chain=chains, wanted=filters, steps=quiet_steps, data=st.data())
def test_F29_any_interleaving_of_live_and_replay_gives_the_same_events(
    chain: list[LogEntry], wanted: PropertyFilter, steps: list[Step], data: st.DataObject
) -> None:
    counts = st.integers(min_value=0, max_value=len(chain))
    committed, followed, resumed = data.draw(st.tuples(counts, counts, counts))
    stage = asyncio.run(
        played(chain, wanted, steps, committed=committed, followed=followed, resumed=resumed)
    )
    assert stage.reader.resets == []
    assert stage.reader.seqs == expected_seqs(chain[resumed:], wanted)
    assert len(stage.client.connection.groups) == 1


@given(chain=chains, wanted=filters, steps=trimming_steps, data=st.data())
def test_F30_a_hole_is_always_a_reset(
    chain: list[LogEntry], wanted: PropertyFilter, steps: list[Step], data: st.DataObject
) -> None:
    counts = st.integers(min_value=0, max_value=len(chain))
    committed, resumed = data.draw(st.tuples(counts, counts))
    stage = asyncio.run(
        # All that is committed is followed at once, so only what was read is ever trimmed.
        played(
            chain,
            wanted,
            [replace(step, is_followed=True) for step in steps],
            committed=committed,
            followed=len(chain),
            resumed=resumed,
        )
    )
    expected = expected_seqs(chain[resumed:], wanted)
    assert set(stage.reader.resets) <= {ResetReason.EXPIRED}
    if not stage.reader.resets:
        assert stage.reader.seqs == expected
    # Reader fails on a hole, so what is here came in order and is a part of it.
    assert [seq for seq in expected if seq in stage.reader.seqs] == stage.reader.seqs
