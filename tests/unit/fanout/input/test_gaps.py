"""What left an events stream beyond what was committed is a gap."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.input.gaps import gap_of, removed_count
from tests.support.fanout_values import an_event, an_open_topic


def test_what_left_before_the_first_look_is_none_of_this_worker() -> None:
    topic = an_open_topic()
    assert gap_of(topic, 1_000, passed_before=0) == 0
    assert gap_of(topic, 1_000, passed_before=0) == 0


def test_what_was_committed_is_no_gap_and_more_is_told_once() -> None:
    topic = an_open_topic()
    gap_of(topic, 10, passed_before=0)
    topic.passed_count = 5
    assert gap_of(topic, 15, passed_before=5) == 0
    assert gap_of(topic, 18, passed_before=5) == 3
    assert gap_of(topic, 18, passed_before=5) == 0


def test_a_commit_on_its_way_may_have_taken_its_entries() -> None:
    topic = an_open_topic()
    gap_of(topic, 0, passed_before=0)
    topic.batches.add(an_event(1), now_ms=0)
    batch = topic.batches.pop_any(now_ms=0)
    assert batch is not None
    topic.prepare(batch, server_ms=0)
    assert gap_of(topic, 1, passed_before=0) == 0
    assert gap_of(topic, 2, passed_before=0) == 1


def test_a_stream_that_was_made_anew_begins_anew() -> None:
    topic = an_open_topic()
    gap_of(topic, 1_000, passed_before=0)
    topic.passed_count = 5
    assert gap_of(topic, 2, passed_before=5) == 0
    topic.passed_count = 7
    assert gap_of(topic, 4, passed_before=7) == 0


@given(steps=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_every_entry_is_told_and_none_is_made_up(steps: list[tuple[int, int]]) -> None:
    topic = an_open_topic()
    gap_of(topic, 50, passed_before=0)
    removed = 50
    for committed, stolen in steps:
        removed += committed + stolen
        topic.passed_count += committed
        assert gap_of(topic, removed, passed_before=topic.passed_count) == stolen


def test_the_count_is_read_from_either_shape_of_the_reply() -> None:
    facts = {b"length": 3, b"entries-added": 10}
    assert removed_count(facts) == 7
    assert removed_count([part for pair in facts.items() for part in pair]) == 7
