"""When a publisher is told to wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.ids import Org, Service
from fanwire.core.keys import Topic
from fanwire.errors import Busy
from fanwire.publish.high_water import HighWater, HighWaterLimits

LIMITS = HighWaterLimits(unread_count=10, answer_holds_ms=100, topic_count=3)
TASKS = Topic(Org("acme"), Service("tasks"))
USERS = Topic(Org("acme"), Service("users"))


def test_a_topic_is_asked_about_once_until_the_answer_is_old() -> None:
    mark = HighWater(LIMITS)
    assert mark.unknown([TASKS, TASKS], now_ms=0) == [TASKS]
    mark.learn(TASKS, 3, now_ms=0)
    assert mark.unknown([TASKS, USERS], now_ms=99) == [USERS]
    assert mark.unknown([TASKS], now_ms=100) == [TASKS]


def test_a_full_topic_is_busy_and_says_how_full_it_is() -> None:
    mark = HighWater(LIMITS)
    mark.learn(TASKS, 10, now_ms=0)
    with pytest.raises(Busy) as caught:
        mark.check([TASKS])
    assert "acme/tasks holds 10 unread" in str(caught.value)
    assert caught.value.retry_after_ms == 1000
    mark.check([USERS])


def test_a_topic_below_the_mark_may_be_published_to() -> None:
    mark = HighWater(LIMITS)
    mark.learn(TASKS, 9, now_ms=0)
    mark.check([TASKS])


@given(st.lists(st.integers(0, 20), max_size=50))
def test_no_more_topics_are_remembered_than_the_limit(numbers: list[int]) -> None:
    mark = HighWater(LIMITS)
    topics = [Topic(Org("acme"), Service(f"s{number}")) for number in numbers]
    for topic in topics:
        mark.learn(topic, 1, now_ms=0)
    known = set(topics) - set(mark.unknown(topics, now_ms=1))
    assert len(known) <= LIMITS.topic_count
