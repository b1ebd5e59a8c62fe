"""The publisher's bytes are found in a batch, whatever they hold."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.events import Event, entry_fields, parse_entry
from fanwire.core.position import ZERO, Position
from fanwire.wire.decode import BatchFrame, decode_server_frame
from fanwire.wire.encode import encode_batch
from tests.support.tracing import a_traceparent

JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
SPACES = st.sampled_from([b"", b" ", b"\n\t "])
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    return draw(SPACES) + orjson.dumps(draw(JSON)) + draw(SPACES)


def an_event(data: bytes, entity_id: str) -> Event:
    event = parse_entry("1-0", entry_fields(data, {"entityId": entity_id}), org="acme")
    assert isinstance(event, Event)
    return event


@given(st.lists(st.tuples(payloads(), TEXTS), min_size=1, max_size=5))
def test_each_events_bytes_are_those_that_were_published(written: list[tuple[bytes, str]]) -> None:
    events = [an_event(data, entity_id) for data, entity_id in written]
    body = encode_batch(
        service="tasks",
        prev=ZERO,
        position=Position(1, len(events)),
        sent_at_ms=1,
        traceparent=None,
        events=events,
    ).body
    batch = decode_server_frame(body)
    assert isinstance(batch, BatchFrame)
    assert [event.data_bytes for event in batch.events] == [data for data, _ in written]
    assert [event.entity_id for event in batch.events] == [entity_id for _, entity_id in written]
    assert [event.data for event in batch.events] == [orjson.loads(data) for data, _ in written]


def test_events_carry_the_trace_of_their_batch() -> None:
    trace = a_traceparent(7, 8)
    body = encode_batch(
        service="tasks",
        prev=ZERO,
        position=Position(1, 1),
        sent_at_ms=1,
        traceparent=trace,
        events=[an_event(b"1", "1")],
    ).body
    batch = decode_server_frame(body)
    assert isinstance(batch, BatchFrame)
    assert [event.trace for event in batch.events] == [trace]


def test_deep_nesting_is_no_trouble() -> None:
    data = b"[" * 900 + b"]" * 900
    body = encode_batch(
        service="tasks",
        prev=ZERO,
        position=Position(1, 1),
        sent_at_ms=1,
        traceparent=None,
        events=[an_event(data, "1")],
    ).body
    batch = decode_server_frame(body)
    assert isinstance(batch, BatchFrame)
    assert batch.events[0].data_bytes == data
