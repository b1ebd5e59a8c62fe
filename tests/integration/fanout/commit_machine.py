"""Random histories of one topic: zombies, lost replies, rollbacks, and a client that resumes.

Workers here are the real parts of a worker (sorter, batches, dedup, restore, scripts) on a
real server, driven one step at a time, so that a plan may be old when it is sent. A failover
is the restoring of an earlier dump of all keys under a replication id that is not the
server's: what a promoted replica looks like to a script.

A client follows the log by the rule of the gateways: go on from a position only if the log
or the topic names it as a predecessor; else it is told of the gap and starts at the head.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from redis.exceptions import ResponseError

from fanout.commit.committer import COMMIT_BATCH
from fanout.counters import WorkerCounters
from fanout.input.sorter import InputSorter
from fanout.ownership.opener import OPEN_TOPIC, opened_state
from fanout.replay.log import restore
from fanout.topic.open_topic import OpenTopic, topic_keys
from fanwire.core.ids import Org, Service
from fanwire.core.keys import Keys, Topic
from fanwire.core.position import ZERO, Position, parse_position
from shared.redis.client import connect
from shared.redis.owned_connection import OwnedConnection
from tests.support.fanout_values import BATCHES, RETENTION, TOPIC_LIMITS
from tests.support.ledger import Ledger

T = TypeVar("T")
TOPIC = Topic(Org("acme"), Service("tasks"))
WORKERS = ("a", "b")
workers = st.sampled_from(WORKERS)


class CommitMachine(RuleBasedStateMachine):
    """One topic, two workers that both believe to own it, one client."""

    url: ClassVar[str]
    prefix: ClassVar[str]
    commit_text: ClassVar[str] = COMMIT_BATCH.text
    open_text: ClassVar[str] = OPEN_TOPIC.text
    restores: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.redis = connect(self.url, timeout_ms=None)
        self.connection = self.wait(OwnedConnection.open(self.redis))
        self.keys = Keys(self.prefix)
        self.names = topic_keys(self.keys, TOPIC)
        self.sorter = InputSorter(WorkerCounters())
        self.topics: dict[str, OpenTopic] = {}
        self.plans: dict[str, tuple[Any, ...]] = {}
        self.accepted: list[int] = []
        self.snapshot: tuple[dict[str, bytes], list[int]] | None = None
        self.known_epoch: int | str = ""
        self.next_number = 0
        self.client_at = ZERO
        self.client_saw: dict[Position, Any] = {}
        self.wait(self.connection.call("DEL", *self.names[:4]))

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run one step of asynchronous work."""
        return self.loop.run_until_complete(work)

    @rule(count=st.integers(1, 3))
    def publish(self, count: int) -> None:
        for _ in range(count):
            self._add(self.next_number)
            self.accepted.append(self.next_number)
            self.next_number += 1

    @precondition(lambda self: self.accepted)
    @rule(back=st.integers(1, 4))
    def publish_again(self, back: int) -> None:
        self._add(self.accepted[-min(back, len(self.accepted))])

    @rule(worker=workers)
    def take_over(self, worker: str) -> None:
        self.plans.pop(worker, None)
        self.topics[worker] = self.wait(self._opened())

    @precondition(lambda self: len(self.plans) < len(WORKERS))
    @rule(worker=workers, count=st.integers(1, 4))
    def read_and_plan(self, worker: str, count: int) -> None:
        if worker not in self.topics:
            self.take_over(worker)
        topic = self.topics[worker]
        call = ("XREAD", "COUNT", count, "STREAMS", self.names.events, topic.read_cursor)
        for entries in (self.wait(self.connection.call(*call)) or {}).values():
            self.sorter.accept(topic, entries, now_ms=0)
        if not topic.in_flight and (batch := topic.batches.pop_any(now_ms=0)):
            topic.prepare(batch, server_ms=1_000)
            self.plans[worker] = topic.commit_args(dead_letters_max=100)

    @rule(worker=workers, count=st.integers(1, 3))
    def work(self, worker: str, count: int) -> None:
        """Take the usual course, so that the unusual ones have something to disturb."""
        self.publish(count)
        self.read_and_plan(worker, 4)
        self.send(worker, is_reply_lost=False)

    @precondition(lambda self: self.plans)
    @rule(worker=workers, is_reply_lost=st.booleans())
    def send(self, worker: str, is_reply_lost: bool) -> None:
        if args := self.plans.pop(worker, None):
            try:
                call = ("EVAL", self.commit_text, 5, *self.names, *args)
                self.wait(self.connection.call(*call))
            except ResponseError:
                del self.topics[worker]
                return
            if is_reply_lost:
                del self.topics[worker]
            else:
                self.topics[worker].settle()

    @rule()
    def replicate(self) -> None:
        """Remember what a replica holds now."""
        dumps = self.wait(self.connection.call_all([("DUMP", n) for n in self.names[:4]]))
        found = {n: dump for n, dump in zip(self.names[:4], dumps, strict=True) if dump}
        self.snapshot = (found, list(self.accepted))

    @rule(kind=st.sampled_from(["fail over"] * 4 + ["lose all"] + [""] * 3))
    def suffer(self, kind: str) -> None:
        """Now and then, put the replica in charge with what it held, or lose everything."""
        if kind == "lose all":
            self.wait(self.connection.call("DEL", *self.names[:4]))
            self.accepted, self.snapshot = [], None
        elif kind and self.snapshot:
            self._fail_over(*self.snapshot)

    @rule(worker=workers, is_late=st.booleans())
    def lose_a_batch(self, worker: str, is_late: bool) -> None:
        """Fail over past a batch that the replica never saw, sent before or even after.

        Chance alone would seldom put these steps in a row.
        """
        self.replicate()
        self.publish(1)
        self.read_and_plan(worker, 4)
        if not is_late:
            self.send(worker, is_reply_lost=False)
            self.client_catches_up()
        self.suffer("fail over")
        if is_late:
            self.send(worker, is_reply_lost=False)

    @rule()
    def client_catches_up(self) -> None:
        ledger = self.wait(Ledger.read(self.redis, self.keys, TOPIC))
        head = parse_position(ledger.topic.get(b"last", b"0-0").decode())
        if self.client_at not in {head, *(batch.prev for batch in ledger.batches)}:
            self.client_at, self.client_saw = head, {}  # told of the gap
        for batch in ledger.batches:
            if batch.prev == self.client_at:
                self.client_at = batch.position
                for event in batch.events:
                    at = Position(batch.position.epoch, event["seq"])
                    self.client_saw[at] = event["data"]
        self._check_client(ledger)

    def teardown(self) -> None:
        """Let one worker finish, then hold everything against what was accepted."""
        try:
            self.take_over("a")
            self.take_over("b")
            for _ in range(len(self.accepted) * 3 + 5):
                self.read_and_plan("a", 100)
                self.send("a", is_reply_lost=False)
            ledger = self.wait(Ledger.read(self.redis, self.keys, TOPIC))
            ledger.check(self.accepted)
            self.client_catches_up()
        finally:
            self.wait(self.connection.aclose())
            self.wait(self.redis.aclose())
            self.loop.close()

    def _fail_over(self, dumps: dict[str, bytes], accepted: list[int]) -> None:
        self.wait(self.connection.call("DEL", *self.names[:4]))
        for name, dump in dumps.items():
            self.wait(self.connection.call("RESTORE", name, 0, dump))
        if self.names.topic in dumps:
            self.wait(self.connection.call("HSET", self.names.topic, "replid", "0" * 40))
        self.accepted = list(accepted)

    def _check_client(self, ledger: Ledger) -> None:
        """Fail if the client took anything, untold, that is not what the log says."""
        for batch in ledger.batches:
            for event in batch.events:
                at = Position(batch.position.epoch, event["seq"])
                saw = self.client_saw.get(at, event["data"])
                assert saw == event["data"], f"at {at} the client saw {saw}"

    def _add(self, number: int) -> None:
        fields = ("data", number, "eventId", f"e{number}")
        self.wait(self.connection.call("XADD", self.names.events, "*", *fields))

    async def _opened(self) -> OpenTopic:
        keys = (self.names.topic, self.names.batches, self.names.events)
        reply = await self.connection.call("EVAL", self.open_text, 3, *keys, self.known_epoch)
        standing, removed = opened_state(reply)
        assert removed == standing.passed, "nobody but the workers takes entries away here"
        self.known_epoch = max(standing.epoch, int(self.known_epoch or 0))
        standing = standing._replace(window_ms=None)
        limits = replace(
            TOPIC_LIMITS,
            batches=replace(BATCHES, max_events=3),
            retention=replace(RETENTION, event_count=1_000_000),
        )
        topic = OpenTopic(TOPIC, self.names, standing, limits)
        if self.restores:
            await restore(self.connection, [topic])
        return topic
