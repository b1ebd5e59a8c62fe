"""What a publisher may send, and what is refused before it is sent."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.events import Event, parse_entry
from fanwire.errors import InvalidEvent, InvalidId
from fanwire.publish.new_event import NewEvent, checked_outgoing

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
TEXTS = st.none() | st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)


@given(data=JSON, entity_id=TEXTS, event_id=TEXTS, property_id=TEXTS)
def test_what_passes_here_passes_at_the_worker(
    data: object, entity_id: str | None, event_id: str | None, property_id: str | None
) -> None:
    event = NewEvent(
        "acme", "tasks", data, entity_id=entity_id, event_id=event_id, property_id=property_id
    )
    outgoing = checked_outgoing(event)
    parsed = parse_entry("1-0", outgoing.fields, org="acme")
    assert isinstance(parsed, Event)
    assert parsed.property_id == property_id
    assert orjson.loads(outgoing.fields[b"data"]) == data


def test_finished_json_travels_unchanged() -> None:
    outgoing = checked_outgoing(NewEvent("acme", "tasks", b'{ "n": 1.0 }'))
    assert outgoing.fields[b"data"] == b'{ "n": 1.0 }'


def test_an_event_without_an_id_gets_one_so_that_a_retry_is_safe() -> None:
    first, second = (checked_outgoing(NewEvent("acme", "tasks", 1)) for _ in range(2))
    assert first.fields[b"eventId"] == first.event_id.encode()
    assert first.event_id != second.event_id


def test_the_callers_id_is_kept() -> None:
    assert checked_outgoing(NewEvent("acme", "tasks", 1, event_id="e1")).event_id == "e1"


def test_the_callers_trace_is_never_overwritten() -> None:
    event = NewEvent("acme", "tasks", 1, traceparent="00-mine")
    assert checked_outgoing(event, "00-other").fields[b"traceparent"] == b"00-mine"
    bare = NewEvent("acme", "tasks", 1)
    assert checked_outgoing(bare, "00-other").fields[b"traceparent"] == b"00-other"


@pytest.mark.parametrize(
    ("event", "said"),
    [
        pytest.param(NewEvent("acme", "tasks", b""), "data is empty", id="B109-no-data"),
        pytest.param(NewEvent("acme", "tasks", "x" * 70_000), "70002 bytes", id="B110-too-big"),
        pytest.param(NewEvent("acme", "tasks", b"{nope}"), "{nope}", id="B111-not-json"),
        pytest.param(NewEvent("acme", "tasks", b"\xff"), "not UTF-8", id="B111-not-utf8"),
        pytest.param(NewEvent("acme", "tasks", {1, 2}), "is not JSON", id="B111-not-encodable"),
        pytest.param(NewEvent("acme", "tasks", 1, type="\ud800"), "UTF-8", id="B111-surrogate"),
        pytest.param(NewEvent("acme", "tasks", 1, event_id=""), "eventId ''", id="B113-empty"),
        pytest.param(NewEvent("acme", "tasks", 1, entity_id="a\0b"), "entityId", id="B113-control"),
        pytest.param(NewEvent("acme", "tasks", 1, event_id="x" * 129), "128", id="B113-long"),
    ],
)
def test_what_the_worker_would_set_aside_is_refused_with_its_values(
    event: NewEvent, said: str
) -> None:
    with pytest.raises(InvalidEvent) as caught:
        checked_outgoing(event)
    assert said in str(caught.value)


@pytest.mark.parametrize("value", [42, 1.5, True, b"42", ["42"]])
@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("type", "type"),
        ("entity_type", "entityType"),
        ("entity_id", "entityId"),
        ("event_id", "eventId"),
        ("property_id", "propertyId"),
        ("traceparent", "traceparent"),
    ],
)
def test_a_text_that_is_no_str_is_refused_by_its_name(field: str, name: str, value: object) -> None:
    texts: dict[str, Any] = {field: value}
    with pytest.raises(InvalidEvent) as caught:
        checked_outgoing(NewEvent("acme", "tasks", 1, **texts))
    assert f"{name} {value!r} is of type {type(value).__name__}" in str(caught.value)


@pytest.mark.parametrize("value", [42, None, b"acme"])
def test_an_org_or_a_service_that_is_no_str_is_refused(value: Any) -> None:
    for event in (NewEvent(value, "tasks", 1), NewEvent("acme", value, 1)):
        with pytest.raises(InvalidId):
            checked_outgoing(event)


@pytest.mark.parametrize("name", ["", "a{b", "a:b", "*", "../x", "ä", "x" * 64, "-a", "_canary"])
def test_a_foreign_id_is_refused_with_its_value(name: str) -> None:
    for event in (NewEvent(name, "tasks", 1), NewEvent("acme", name, 1)):
        with pytest.raises(InvalidId) as caught:
            checked_outgoing(event)
        assert repr(name)[:20] in str(caught.value)
