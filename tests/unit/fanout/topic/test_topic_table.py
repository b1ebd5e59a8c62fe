"""Which topics are opened, closed, and left alone for a while."""

import asyncio

from fanout.topic.topic_table import ASIDE_MS, Roster
from fanwire.core.ids import Org, Service
from fanwire.core.keys import Topic, partition_of
from tests.support.fanout_values import an_open_topic

TASKS = an_open_topic().topic
MINE = partition_of(TASKS.org)


async def unopened(roster: Roster) -> list[Topic]:
    """Take what is to be opened, without waiting for more."""
    try:
        async with asyncio.timeout(0):
            return await roster.take_unopened(limit=10)
    except TimeoutError:
        return []


async def test_a_topic_of_a_held_partition_is_to_be_opened() -> None:
    roster = Roster()
    roster.hold([MINE])
    roster.found([TASKS])
    assert await unopened(roster) == [TASKS]


async def test_a_topic_found_before_its_partition_was_taken_is_opened_then() -> None:
    roster = Roster()
    roster.found([TASKS])
    assert await unopened(roster) == []
    roster.hold([MINE])
    assert await unopened(roster) == [TASKS]


async def test_a_topic_is_opened_once() -> None:
    roster = Roster()
    roster.hold([MINE])
    roster.found([TASKS, TASKS])
    assert await unopened(roster) == [TASKS]
    assert roster.admit(an_open_topic())
    roster.found([TASKS])
    assert not roster.admit(an_open_topic())
    assert await unopened(roster) == []


async def test_a_topic_whose_partition_went_meanwhile_is_not_admitted() -> None:
    roster = Roster()
    roster.hold([MINE])
    roster.let_go([MINE])
    assert not roster.admit(an_open_topic())


async def test_a_partition_that_goes_closes_its_topics() -> None:
    roster = Roster()
    roster.hold([MINE])
    topic = an_open_topic()
    roster.admit(topic)
    roster.let_go([MINE])
    assert topic.is_closed
    assert roster.open == {}


async def test_a_stale_topic_is_opened_anew() -> None:
    roster = Roster()
    roster.hold([MINE])
    topic = an_open_topic()
    roster.admit(topic)
    roster.reopen(topic)
    assert topic.is_closed
    assert await unopened(roster) == [TASKS]


async def test_a_topic_set_aside_is_left_alone_and_then_tried_again() -> None:
    roster = Roster()
    roster.hold([MINE])
    roster.admit(an_open_topic())
    roster.set_aside(TASKS, now_ms=0)
    roster.found([TASKS])
    roster.try_again(now_ms=ASIDE_MS - 1)
    assert await unopened(roster) == []
    roster.try_again(now_ms=ASIDE_MS)
    assert await unopened(roster) == [TASKS]


async def test_topics_of_other_workers_are_not_opened() -> None:
    roster = Roster()
    roster.hold([MINE])
    other = next(
        Topic(Org(f"o{n}"), Service("tasks"))
        for n in range(200)
        if partition_of(Org(f"o{n}")) != MINE
    )
    roster.found([other])
    assert await unopened(roster) == []
