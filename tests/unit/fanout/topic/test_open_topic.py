"""A topic numbers its events itself, and believes a commit only when it is settled."""

from dataclasses import replace

import orjson
import pytest

from fanout.topic.batches import Batch
from fanout.topic.dedup import DedupVerdict, Sighting
from fanout.topic.open_topic import QUIET_MS, OpenTopic, id_after
from fanwire.core.position import Position
from tests.support.fanout_values import RETENTION, a_reject, an_event, an_open_topic

ARG_NAMES = (
    *("expected_cursor", "cursor", "epoch", "position", "p", "f", "n", "d", "x", "t"),
    *("events_from", "batches_from", "service", "window_ms", "dead_max"),
)


def a_batch(*numbers: int, event_id: str | None = None) -> Batch:
    events = [an_event(number, event_id=event_id) for number in numbers]
    return Batch(due_ms=0, events=events, last_entry_id=events[-1].entry_id)


def prepared(topic: OpenTopic, batch: Batch) -> dict[str, object]:
    """Prepare a commit and return its arguments by name."""
    topic.prepare(batch, server_ms=1_000)
    args = topic.commit_args(dead_letters_max=10)
    return dict(zip(ARG_NAMES, args, strict=False))


def test_batches_follow_on_from_one_another() -> None:
    topic = an_open_topic()
    first = prepared(topic, a_batch(1, 2))
    assert (first["p"], first["position"], first["f"], first["n"]) == ("0-0", "7-2", 1, 2)
    topic.settle()
    second = prepared(topic, a_batch(3))
    assert (second["p"], second["position"], second["f"]) == ("7-2", "7-3", 3)
    assert (second["expected_cursor"], second["cursor"]) == ("1000-2", "1000-3")


def test_the_frame_carries_the_same_numbers() -> None:
    body = prepared(an_open_topic(), a_batch(1, 2))["d"]
    assert isinstance(body, bytes)
    frame = orjson.loads(body)
    assert (frame["prev"], frame["position"]) == ("0-0", "7-2")
    assert [event["seq"] for event in frame["events"]] == [1, 2]


def test_a_batch_without_events_has_no_position_and_keeps_the_last() -> None:
    topic = an_open_topic()
    prepared(topic, a_batch(1))
    topic.settle()
    args = prepared(topic, Batch(due_ms=0, rejected=[a_reject(2)], last_entry_id="1000-2"))
    assert args["position"] == ""
    topic.settle()
    assert topic.standing.last == Position(7, 1)
    assert topic.standing.cursor == "1000-2"


def test_b120_a_gap_follows_no_position_and_the_next_batch_follows_the_gap() -> None:
    topic = an_open_topic()
    prepared(topic, a_batch(1, 2))
    topic.settle()
    topic.batches.mark_gap(a_reject(2), count=4, now_ms=0)
    gap = topic.batches.pop_due(now_ms=0)
    assert gap is not None
    args = prepared(topic, gap)
    assert (args["p"], args["position"], args["f"], args["n"]) == ("7-3", "7-3", 4, 0)
    assert b'"events":[]' in bytes(str(args["d"]), "ascii")
    topic.settle()
    after = prepared(topic, a_batch(3))
    assert (after["p"], after["position"], after["f"]) == ("7-3", "7-4", 4)


def test_ids_are_remembered_when_settled_and_not_before() -> None:
    topic = an_open_topic()
    topic.dedup.hold(("", "e1"), Sighting(1_000, 1))
    prepared(topic, a_batch(1, event_id="e1"))
    assert len(topic.dedup) == 0
    topic.settle()
    assert len(topic.dedup) == 1
    assert topic.dedup.judge(("", "e1"), Sighting(1_001, 1)) is DedupVerdict.REPEAT


def test_pruned_events_are_told_to_clients_and_known_as_repeats() -> None:
    topic = an_open_topic()
    topic.dedup.hold(("", "older"), Sighting(1_000, 1))
    batch = a_batch(2)
    batch.pruned.append(an_event(1, event_id="older"))
    body = prepared(topic, batch)["d"]
    assert isinstance(body, bytes)
    frame = orjson.loads(body)
    assert (frame["conflated"], frame["position"]) == (1, "7-1")
    assert list(frame)[:6] == ["type", "service", "prev", "position", "sentAt", "conflated"]
    topic.settle()
    assert topic.dedup.judge(("", "older"), Sighting(1_001, 1)) is DedupVerdict.REPEAT


def test_a_commit_says_what_the_log_keeps() -> None:
    topic = an_open_topic(retention=replace(RETENTION, size_bytes=1))
    prepared(topic, a_batch(1))
    topic.settle()
    assert prepared(topic, a_batch(2))["batches_from"] == "7-2"


def test_a_draining_topic_keeps_ids_that_are_old_by_the_clock() -> None:
    topic = an_open_topic()
    topic.dedup.restore([(("", "e1"), Sighting(1_000, None))])
    topic.taken_at_ms = 0
    topic.forget_if_quiet(now_ms=QUIET_MS, server_ms=1e9)
    assert len(topic.dedup) == 1
    topic.forget_if_quiet(now_ms=QUIET_MS + 1, server_ms=1e9)
    assert len(topic.dedup) == 0


@pytest.mark.parametrize(
    ("entry_id", "after"),
    [("5-0", "5-1"), ("0-0", "0-1"), ("5-18446744073709551615", "6-0")],
)
def test_the_next_id_is_the_smallest_greater_one(entry_id: str, after: str) -> None:
    assert id_after(entry_id) == after
