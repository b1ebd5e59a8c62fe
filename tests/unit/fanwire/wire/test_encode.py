"""Batches: encoded once, cut for filters exactly as if they were made for them."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.events import Event, entry_fields, parse_entry
from fanwire.core.position import Position
from fanwire.core.property_filter import PropertyFilter, passes
from fanwire.wire.encode import EncodedBatch, ServiceState, cut_batch, decode_index, encode_batch

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PROPERTIES = st.none() | st.sampled_from(["p1", "p2", 'p"3', "ü", "p1,p2", "]"])
FILTERS = st.none() | st.frozensets(st.sampled_from(["p1", "p2", 'p"3', "ü", "p1,p2", "]", "p9"]))
PREV = Position(5, 41)


@st.composite
def events(draw: st.DrawFn) -> Event:
    texts = {"propertyId": draw(PROPERTIES), "entityId": draw(st.none() | st.just('a"]},{'))}
    data = draw(st.sampled_from([b"", b" "])) + orjson.dumps(draw(JSON))
    event = parse_entry("9-0", entry_fields(data, texts), org="acme")
    assert isinstance(event, Event)
    return event


BATCHES = st.lists(events(), min_size=1, max_size=6)


def encoded(batch: list[Event], trace: str | None = None) -> EncodedBatch:
    return encode_batch(
        service="tasks",
        prev=PREV,
        position=Position(5, 41 + len(batch)),
        sent_at_ms=77,
        traceparent=trace,
        events=batch,
    )


def cut(batch: EncodedBatch, wanted: PropertyFilter, *, prev: Position = PREV) -> bytes | None:
    slices = None if batch.index is None else decode_index(batch.index)
    part = cut_batch(
        batch.body, slices, service="tasks", stored_prev=PREV, prev=prev, wanted=wanted
    )
    if part is None:
        return None
    count = len(orjson.loads(part.body)["events"])
    assert part.event_count == (count if slices is not None else None)
    return part.body


def naive(batch: EncodedBatch, wanted: PropertyFilter, prev: Position) -> dict[str, object] | None:
    """Parse, filter, and put together again: what the cut must equal without parsing."""
    frame: dict[str, object] = orjson.loads(batch.body)
    rows = frame["events"]
    assert isinstance(rows, list)
    kept = [row for row in rows if passes(wanted, row.get("propertyId"))]
    return {**frame, "prev": str(prev), "events": kept} if kept else None


@given(BATCHES, st.none() | st.text())
def test_a_batch_is_json_with_its_type_first_and_its_events_in_order(
    batch: list[Event], trace: str | None
) -> None:
    frame = orjson.loads(encoded(batch, trace).body)
    assert next(iter(frame)) == "type"
    assert [row["seq"] for row in frame["events"]] == list(range(42, 42 + len(batch)))
    assert frame.get("trace") == trace
    assert (frame["prev"], frame["position"]) == ("5-41", f"5-{41 + len(batch)}")


@given(BATCHES, FILTERS, st.integers(0, 41))
def test_a_cut_equals_parsing_filtering_and_encoding(
    batch: list[Event], wanted: PropertyFilter, served: int
) -> None:
    whole, prev = encoded(batch), Position(5, served)
    found = cut(whole, wanted, prev=prev)
    assert (None if found is None else orjson.loads(found)) == naive(whole, wanted, prev)


@given(BATCHES, FILTERS)
def test_a_cut_leaves_the_bytes_of_each_event_as_they_were(
    batch: list[Event], wanted: PropertyFilter
) -> None:
    found = cut(encoded(batch), wanted)
    tails = [event.tail for event in batch if passes(wanted, event.property_id)]
    assert (found is None) == (not tails)
    assert all(tail in found for tail in tails if found is not None)


@given(BATCHES)
def test_nothing_cut_away_is_the_batch_itself(batch: list[Event]) -> None:
    whole = encoded(batch)
    assert cut(whole, None) == whole.body


@given(BATCHES)
def test_the_index_says_where_each_event_lies_and_whose_it_is(batch: list[Event]) -> None:
    whole = encoded(batch)
    if whole.index is None:
        assert all(event.property_id is None for event in batch)
        return
    slices = decode_index(whole.index)
    assert [s.property_id for s in slices] == [event.property_id for event in batch]
    assert [
        whole.body[s.start : s.end].endswith(e.tail) for s, e in zip(slices, batch, strict=True)
    ]


def test_a_body_that_is_not_the_batch_that_was_said_is_refused() -> None:
    event = parse_entry("9-0", {b"data": b"1"}, org="acme")
    assert isinstance(event, Event)
    body = encoded([event]).body
    with pytest.raises(ValueError, match="begins with"):
        cut_batch(body, None, service="users", stored_prev=PREV, prev=PREV, wanted=None)


def test_what_is_not_known_of_a_service_is_left_out() -> None:
    state = ServiceState("tasks", "high", Position(1, 2))
    assert state.as_dict() == {"name": "tasks", "tier": "high", "position": "1-2"}
