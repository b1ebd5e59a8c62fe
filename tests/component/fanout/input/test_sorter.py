"""Every entry takes its place in the order, whatever becomes of it."""

import pytest

from fanout.counters import WorkerCounters
from fanout.input.sorter import InputSorter, RawEntry
from fanout.topic.open_topic import OpenTopic
from tests.support.fanout_values import an_open_topic


def entry(number: int, **fields: str) -> RawEntry:
    return f"1000-{number}".encode(), [
        part.encode() for name, text in fields.items() for part in (name, text)
    ]


def accept(topic: OpenTopic, *entries: RawEntry) -> WorkerCounters:
    counters = WorkerCounters()
    InputSorter(counters).accept(topic, entries, now_ms=0)
    return counters


def test_events_and_rejects_share_a_batch_and_the_cursor_covers_both() -> None:
    topic = an_open_topic()
    accept(topic, entry(1, data="{}"), entry(2, nonsense="1"), entry(3, data="{}"))
    batch = topic.batches.pop_any(now_ms=0)
    assert batch is not None
    assert [event.entry_id for event in batch.events] == ["1000-1", "1000-3"]
    assert [rejected.entry_id for rejected in batch.rejected] == ["1000-2"]
    assert topic.read_cursor == batch.last_entry_id == "1000-3"


def test_a_repeat_inside_one_batch_is_found() -> None:
    topic = an_open_topic()
    counters = accept(topic, entry(1, data="{}", eventId="e"), entry(2, data="{}", eventId="e"))
    batch = topic.batches.pop_any(now_ms=0)
    assert batch is not None
    assert len(batch.events) == 1
    assert batch.last_entry_id == "1000-2"
    assert (counters.duplicates, counters.id_conflicts) == (1, 0)


@pytest.mark.parametrize("case", ["B115"])
def test_a_repeat_with_another_payload_is_counted_as_a_conflict(case: str) -> None:
    counters = accept(
        an_open_topic(), entry(1, data="1", eventId="e"), entry(2, data="2", eventId="e")
    )
    assert counters.id_conflicts == 1


@pytest.mark.parametrize("case", ["B123"])
def test_an_entry_that_crashes_the_decoder_is_dead_after_three_tries(
    monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    tries = []

    def crash(entry_id: str, fields: object, *, org: str) -> None:
        tries.append(entry_id)
        raise MemoryError

    monkeypatch.setattr("fanout.input.sorter.parse_entry", crash)
    topic = an_open_topic()
    accept(topic, entry(1, data="{}"))
    batch = topic.batches.pop_any(now_ms=0)
    assert batch is not None
    assert [rejected.reason for rejected in batch.rejected] == ["poison"]
    assert len(tries) == 3
