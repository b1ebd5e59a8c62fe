"""Which topics are opened, closed, and left alone for a while."""

import asyncio

from fanout.topic.topic_table import ASIDE_MS, TopicTable
from fanwire.core.ids import Org, Service
from fanwire.core.keys import Topic, partition_of
from tests.support.fanout_values import an_open_topic

TASKS = an_open_topic().topic
MINE = partition_of(TASKS.org)


async def unopened(topic_table: TopicTable) -> list[Topic]:
    """Take what is to be opened, without waiting for more."""
    try:
        async with asyncio.timeout(0):
            return await topic_table.pop_unopened(limit=10)
    except TimeoutError:
        return []


async def test_a_topic_of_a_held_partition_is_to_be_opened() -> None:
    topic_table = TopicTable()
    topic_table.hold([MINE])
    topic_table.found([TASKS])
    assert await unopened(topic_table) == [TASKS]


async def test_a_topic_found_before_its_partition_was_taken_is_opened_then() -> None:
    topic_table = TopicTable()
    topic_table.found([TASKS])
    assert await unopened(topic_table) == []
    topic_table.hold([MINE])
    assert await unopened(topic_table) == [TASKS]


async def test_a_topic_is_opened_once() -> None:
    topic_table = TopicTable()
    topic_table.hold([MINE])
    topic_table.found([TASKS, TASKS])
    assert await unopened(topic_table) == [TASKS]
    assert topic_table.admit(an_open_topic())
    topic_table.found([TASKS])
    assert not topic_table.admit(an_open_topic())
    assert await unopened(topic_table) == []


async def test_a_topic_whose_partition_went_meanwhile_is_not_admitted() -> None:
    topic_table = TopicTable()
    topic_table.hold([MINE])
    topic_table.let_go([MINE])
    assert not topic_table.admit(an_open_topic())


async def test_a_partition_that_goes_closes_its_topics() -> None:
    topic_table = TopicTable()
    topic_table.hold([MINE])
    topic = an_open_topic()
    topic_table.admit(topic)
    topic_table.let_go([MINE])
    assert topic.is_closed
    assert topic_table.open == {}


async def test_a_stale_topic_is_opened_anew() -> None:
    topic_table = TopicTable()
    topic_table.hold([MINE])
    topic = an_open_topic()
    topic_table.admit(topic)
    topic_table.reopen(topic)
    assert topic.is_closed
    assert await unopened(topic_table) == [TASKS]


async def test_a_topic_set_aside_is_left_alone_and_then_tried_again() -> None:
    topic_table = TopicTable()
    topic_table.hold([MINE])
    topic_table.admit(an_open_topic())
    topic_table.set_aside(TASKS, now_ms=0)
    topic_table.found([TASKS])
    topic_table.try_again(now_ms=ASIDE_MS - 1)
    assert await unopened(topic_table) == []
    topic_table.try_again(now_ms=ASIDE_MS)
    assert await unopened(topic_table) == [TASKS]


async def test_topics_of_other_workers_are_not_opened() -> None:
    topic_table = TopicTable()
    topic_table.hold([MINE])
    other = next(
        Topic(Org(f"o{n}"), Service("tasks"))
        for n in range(200)
        if partition_of(Org(f"o{n}")) != MINE
    )
    topic_table.found([other])
    assert await unopened(topic_table) == []
