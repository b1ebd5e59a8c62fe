"""What left an events stream beside what was committed may be a gap."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.input.gaps import gap_letter, is_suspect, removed_count
from fanout.topic.batches import Batch
from fanout.topic.open_topic import OpenTopic
from tests.support.fanout_values import an_event, an_open_topic


def a_topic(*, passed: int) -> OpenTopic:
    topic = an_open_topic()
    topic.standing = topic.standing._replace(passed=passed)
    return topic


def test_what_was_committed_and_what_is_on_its_way_is_no_gap() -> None:
    topic = a_topic(passed=5)
    topic.prepare(
        Batch(0, events=[an_event(1)], last_entry_id="1000-1", entry_count=2), server_ms=0
    )
    assert not is_suspect(topic, 5, passed_before=5)
    assert not is_suspect(topic, 7, passed_before=5)
    assert is_suspect(topic, 8, passed_before=5)


def test_a_stream_that_was_deleted_is_suspect() -> None:
    assert is_suspect(a_topic(passed=7), 2, passed_before=7)


@given(before=st.integers(0, 50), meanwhile=st.integers(0, 50), at=st.integers(0, 50))
def test_commits_that_go_on_while_the_server_is_asked_are_no_gap(
    before: int, meanwhile: int, at: int
) -> None:
    topic = a_topic(passed=before + meanwhile)
    assert not is_suspect(topic, before + min(at, meanwhile), passed_before=before)
    assert is_suspect(topic, before + meanwhile + 1, passed_before=before)


def test_the_letter_of_a_gap_says_how_many_are_gone_and_where_to_look() -> None:
    letter = gap_letter("7-0", passed=5, removed=8)
    assert (letter.entry_id, letter.reason) == ("7-0", "input_gap")
    assert letter.head == b"3 entries after this id are gone"
    assert "MAXLEN" in letter.fault.why
    assert b"unknown many" in gap_letter("7-0", passed=5, removed=0).head


def test_what_left_a_stream_is_what_was_added_and_is_not_there() -> None:
    facts = {b"entries-added": 10, b"length": 3}
    assert removed_count(facts) == 7
    assert removed_count([part for pair in facts.items() for part in pair]) == 7
