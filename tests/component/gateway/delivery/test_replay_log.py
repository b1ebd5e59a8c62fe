"""Reading heads and batches, also where somebody else has written."""

import asyncio
from collections.abc import Callable

import pytest

from fanwire.core.keys import Keys, Topic
from fanwire.core.position import ZERO, Position
from gateway.delivery.log_entry import LogEntry
from gateway.delivery.replay_log import ReplayLog, TopicHead, UnreadableTopic
from shared.redis.pipelined import PipelinedRedis, RedisUnavailable, Reply, WrongType
from shared.redis.scripts import Argument
from tests.support.gateway_values import ACME, TASKS_OF_ACME, USERS
from tests.support.memory_redis import NO_REDIS

KEYS = Keys()
USERS_OF_ACME = Topic(ACME, USERS)
TASKS_KEY = KEYS.batches(TASKS_OF_ACME).encode()
USERS_KEY = KEYS.batches(USERS_OF_ACME).encode()


class AnsweringTrips(PipelinedRedis):
    """Answers each call by a function of the command."""

    def __init__(self, answer: Callable[[tuple[Argument, ...]], Reply]) -> None:
        super().__init__(NO_REDIS)
        self._answer = answer
        self.calls: list[tuple[Argument, ...]] = []

    def call(self, *command: Argument) -> asyncio.Future[Reply]:
        self.calls.append(command)
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        try:
            reply.set_result(self._answer(command))
        except RedisUnavailable as error:
            reply.set_exception(error)
        return reply


def a_log(answer: object) -> tuple[ReplayLog, AnsweringTrips]:
    trips = AnsweringTrips(answer if callable(answer) else lambda command: answer)
    return ReplayLog(trips, KEYS), trips


def stored(position: str = "7-2", **changed: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    fields = {b"p": b"7-0", b"f": b"1", b"n": b"2", b"d": b"{}"}
    fields |= {name.encode(): value for name, value in changed.items()}
    return position.encode(), fields


async def test_a_head_is_read_from_the_topics_hash() -> None:
    log, trips = a_log([b"1795-42", b"1796"])
    assert await log.head(TASKS_OF_ACME) == TopicHead(Position(1795, 42), 1796)
    assert trips.calls == [("HMGET", KEYS.topic(TASKS_OF_ACME), "last", "epoch")]


@pytest.mark.parametrize("values", [[None, None], [None, b"7"], [b"7-1", None]])
async def test_a_topic_that_was_never_opened_has_no_head(values: list[bytes | None]) -> None:
    log, _ = a_log(values)
    assert await log.head(TASKS_OF_ACME) is None


@pytest.mark.parametrize("values", [[b"x", b"7"], [b"7-1", b"x"], [b"7-1", b"\xff"]])
async def test_F47_a_hash_that_is_not_ours_is_unreadable(values: list[bytes]) -> None:
    log, _ = a_log(values)
    with pytest.raises(UnreadableTopic):
        await log.head(TASKS_OF_ACME)


async def test_F47_a_key_of_another_type_is_unreadable() -> None:
    def refuse(command: tuple[Argument, ...]) -> Reply:
        raise WrongType("WRONGTYPE")

    log, _ = a_log(refuse)
    with pytest.raises(UnreadableTopic):
        await log.head(TASKS_OF_ACME)


async def test_batches_are_read_after_a_position_and_never_from_the_end() -> None:
    log, trips = a_log({TASKS_KEY: [stored("7-2"), stored("7-4", p=b"7-2", x=b"[[1]]")]})
    assert await log.after(TASKS_OF_ACME, Position(7, 0), count=5) == [
        LogEntry(Position(7, 2), Position(7, 0), 2, b"{}", None),
        LogEntry(Position(7, 4), Position(7, 2), 2, b"{}", b"[[1]]"),
    ]
    assert trips.calls == [("XREAD", "COUNT", 5, "STREAMS", TASKS_KEY, "7-0")]


async def test_an_empty_index_is_none() -> None:
    log, _ = a_log({TASKS_KEY: [stored(x=b"")]})
    [entry] = await log.after(TASKS_OF_ACME, ZERO)
    assert entry.index is None


async def test_several_topics_are_read_in_one_call() -> None:
    log, trips = a_log({USERS_KEY: [stored()]})
    found = await log.after_each(ACME, {TASKS_OF_ACME: ZERO, USERS_OF_ACME: Position(7, 0)})
    assert [(topic, len(entries)) for topic, entries in found.items()] == [(USERS_OF_ACME, 1)]
    assert trips.calls == [("XREAD", "COUNT", 64, "STREAMS", TASKS_KEY, USERS_KEY, "0-0", "7-0")]


async def test_nothing_new_is_nothing() -> None:
    log, _ = a_log(None)
    assert await log.after_each(ACME, {TASKS_OF_ACME: ZERO}) == {}
    assert await log.after(TASKS_OF_ACME, ZERO) == []


async def test_F11_a_reply_to_another_question_is_refused() -> None:
    log, _ = a_log({b"batches:{globex}:tasks": [stored()]})
    with pytest.raises(RedisUnavailable, match="globex"):
        await log.after(TASKS_OF_ACME, ZERO)


async def test_F47_a_stream_of_another_type_does_not_hide_the_others() -> None:
    def answer(command: tuple[Argument, ...]) -> Reply:
        if TASKS_KEY in command:
            raise WrongType("WRONGTYPE")
        return {USERS_KEY: [stored()]}

    log, _ = a_log(answer)
    found = await log.after_each(ACME, {TASKS_OF_ACME: ZERO, USERS_OF_ACME: ZERO})
    assert list(found) == [USERS_OF_ACME]


@pytest.mark.parametrize(
    "entry",
    [
        (b"7-3", {b"hello": b"world"}),
        (b"7-3", {}),
        stored("7-3", p=b"x"),
        stored("7-3", n=b"many"),
        (b"18446744073709551615-1", stored()[1]),
    ],
)
async def test_F47_an_entry_that_is_no_batch_is_left_out(
    entry: tuple[bytes, dict[bytes, bytes]],
) -> None:
    log, _ = a_log({TASKS_KEY: [stored("7-2"), entry, stored("7-4", p=b"7-2")]})
    found = await log.after(TASKS_OF_ACME, ZERO)
    assert [each.position for each in found] == [Position(7, 2), Position(7, 4)]


async def test_a_server_that_is_gone_is_for_the_caller_to_bear() -> None:
    def refuse(command: tuple[Argument, ...]) -> Reply:
        raise RedisUnavailable("gone")

    log, _ = a_log(refuse)
    for read in (log.head(TASKS_OF_ACME), log.after(TASKS_OF_ACME, ZERO)):
        with pytest.raises(RedisUnavailable):
            await read
