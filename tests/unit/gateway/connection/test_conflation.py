"""Conflation: the same final state in fewer bytes, and the client is told."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.events import Event, parse_entry
from fanwire.core.position import Position
from fanwire.wire.encode import encode_batch, encode_heartbeat
from gateway.connection.conflation import conflate, text_payloads
from gateway.websocket.writer import text_frame

entities = st.lists(st.none() | st.sampled_from(["a", "b", "c"]), min_size=1, max_size=12)


def event(entity: str | None, number: int) -> Event:
    fields = {b"data": b'{"n": %d.0}' % number}
    if entity is not None:
        fields |= {b"entityType": b"task", b"entityId": entity.encode()}
    parsed = parse_entry(f"{number + 1}-0", fields, org="acme")
    assert isinstance(parsed, Event)
    return parsed


def frame(first_seq: int, *events: Event) -> bytes:
    body = encode_batch(
        service="analytics",
        prev=Position(1, first_seq - 1),
        position=Position(1, first_seq + len(events) - 1),
        sent_at_ms=5,
        traceparent=None,
        events=events,
    ).body
    return text_frame(body)


def test_the_latest_event_of_an_entity_stays_and_the_frame_spans_all() -> None:
    frames, left_out = conflate([frame(1, event("a", 1), event("b", 2)), frame(3, event("a", 3))])
    (body,) = text_payloads(frames)
    batch = orjson.loads(body)
    assert (batch["prev"], batch["position"]) == ("1-0", "1-3")
    assert [e["seq"] for e in batch["events"]] == [2, 3]
    assert batch["conflated"] == left_out == 1
    assert b'{"n": 3.0}' in body


def test_events_of_no_entity_are_all_kept() -> None:
    runs = [frame(1, event(None, 1)), frame(2, event(None, 2))]
    assert conflate(runs) == (b"".join(runs), 0)


def test_a_frame_that_is_no_batch_is_left_alone() -> None:
    runs = [frame(1, event("a", 1)), text_frame(encode_heartbeat({})), frame(2, event("a", 2))]
    assert conflate(runs) == (b"".join(runs), 0)


def test_a_frame_tells_of_all_that_gave_way_and_each_merging_of_its_own() -> None:
    once, _ = conflate([frame(1, event("a", 1)), frame(2, event("a", 2))])
    twice, left_out = conflate([once, frame(3, event("a", 3))])
    assert left_out == 1
    assert orjson.loads(next(text_payloads(twice)))["conflated"] == 2


def test_long_frames_are_found_whole() -> None:
    bodies = [b"x" * 10, b"y" * 300, b"z" * 70_000]
    assert list(text_payloads(b"".join(map(text_frame, bodies)))) == bodies


@given(st.lists(entities, min_size=1, max_size=6))
def test_the_final_state_is_the_same(batches: list[list[str | None]]) -> None:
    runs, events, seq = [], [], 1
    for names in batches:
        made = [event(name, seq + i) for i, name in enumerate(names)]
        runs.append(frame(seq, *made))
        events += [(name, seq + i) for i, name in enumerate(names)]
        seq += len(names)
    frames, left_out = conflate(runs)
    kept = [e for body in text_payloads(frames) for e in orjson.loads(body)["events"]]
    latest = {name if name else ("none", at): at for name, at in events}
    if left_out:
        assert [e["seq"] for e in kept] == sorted(latest.values())
    assert len(kept) + left_out == len(events)
