"""Rates between two looks."""

from fanwire.cli.inspect.snapshots import Rates, Snapshot, TopicRow
from fanwire.cli.inspect.topic_states import TopicState
from fanwire.core.ids import Org, Service
from fanwire.core.keys import Topic


def test_a_rate_is_the_growth_between_two_looks() -> None:
    rates = Rates()
    assert rates.per_s("a", 10, at_ms=1_000) is None
    assert rates.per_s("a", 15, at_ms=3_000) == 2.5
    assert rates.per_s("b", 99, at_ms=3_000) is None


def test_a_beat_that_was_seen_before_keeps_its_rate() -> None:
    rates = Rates()
    rates.per_s("a", 10, at_ms=1_000)
    rates.per_s("a", 15, at_ms=2_000)
    assert rates.per_s("a", 15, at_ms=2_000) == 5


def test_a_count_that_began_anew_has_no_negative_rate() -> None:
    rates = Rates()
    rates.per_s("a", 10, at_ms=1_000)
    assert rates.per_s("a", 2, at_ms=2_000) == 0
    assert rates.per_s("a", None, at_ms=3_000) is None


def a_row(name: str, *, lag: int = 0, per_s: float | None = None) -> TopicRow:
    topic = Topic(Org("acme"), Service(name))
    return TopicRow(TopicState(topic, None, 0, 0, lag, 0, None, 0), per_s)


def test_topics_that_lag_come_first_then_those_that_move() -> None:
    rows = [a_row("idle"), a_row("slow", per_s=1), a_row("late", lag=3), a_row("busy", per_s=9)]
    shown = Snapshot(0, [], [], rows).busiest(3)
    assert [row.state.topic.service for row in shown] == ["late", "busy", "slow"]
