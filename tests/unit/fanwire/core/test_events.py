"""What an entry becomes: an event, or a dead letter with its reason."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.entries.checks import MAX_FIELD_COUNT, MAX_NAME_BYTES, MAX_TEXT_BYTES
from fanwire.core.entries.rejected import MAX_DATA_BYTES, Reason, Rejected
from fanwire.core.events import Event, encode_events, entry_fields, parse_entry

ENTRY_ID = "1795419516100-0"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30)


def parsed(data: bytes = b"{}", **texts: bytes) -> Event | Rejected:
    fields = {name.encode(): text for name, text in texts.items()}
    return parse_entry(ENTRY_ID, {**fields, b"data": data}, org="acme")


def event(data: bytes = b"{}", **texts: bytes) -> Event:
    found = parsed(data, **texts)
    assert isinstance(found, Event)
    return found


def body(found: Event) -> dict[str, object]:
    (text,) = encode_events(7, [found])
    fields: dict[str, object] = orjson.loads(text)
    return fields


def test_a_full_entry_becomes_the_event_of_the_manual() -> None:
    found = event(
        b'{"title":"Fix sink"}',
        type=b"task.updated",
        entityType=b"task",
        entityId=b"42",
        eventId=b"7f3a",
        propertyId=b"p9",
        traceparent=b"00-abc",
    )
    assert body(found) == {
        "seq": 7,
        "type": "task.updated",
        "entityType": "task",
        "entityId": "42",
        "eventId": "7f3a",
        "propertyId": "p9",
        "ts": 1795419516100,
        "data": {"title": "Fix sink"},
    }
    assert (found.dedup_key, found.property_id) == (("task", "7f3a"), "p9")
    assert found.traceparent == "00-abc"


def test_absent_fields_are_left_out() -> None:
    assert body(event(b"1")) == {"seq": 7, "ts": 1795419516100, "data": 1}


@given(st.sampled_from([b"", b" ", b"\n\t"]), JSON)
def test_data_is_carried_byte_for_byte(space: bytes, value: object) -> None:
    data = space + orjson.dumps(value) + space
    (text,) = encode_events(1, [event(data)])
    assert text.endswith(b'"data":' + data + b"}")
    assert orjson.loads(text)["data"] == value


def test_numbers_and_key_order_are_not_touched() -> None:
    data = b'{"b": 1.0, "a": 12345678901234567890, "b2": 1E2}'
    assert event(data).tail.endswith(data + b"}")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        pytest.param(parse_entry(ENTRY_ID, {}, org="acme"), Reason.SCHEMA, id="B109-no-field"),
        pytest.param(parsed(b""), Reason.SCHEMA, id="B109-empty-data"),
        pytest.param(parsed(b'"' + b"x" * MAX_DATA_BYTES + b'"'), Reason.TOO_BIG, id="B110"),
        pytest.param(parsed(b"\xff\xfe"), Reason.DECODE, id="B111-not-utf8"),
        pytest.param(parsed(b'"\xc3\x28"'), Reason.DECODE, id="B111-not-utf8-inside"),
        pytest.param(parsed(b"{nope}"), Reason.DECODE, id="B111-not-json"),
        pytest.param(parsed(b'{"a":1}{"b":2}'), Reason.DECODE, id="B111-two-values"),
        pytest.param(parsed(b"NaN"), Reason.DECODE, id="B111-nan"),
        pytest.param(parsed(b"[" * 20_000), Reason.DECODE, id="B111-deep"),
        pytest.param(parsed(type=b"\xff"), Reason.DECODE, id="B111-text-not-utf8"),
        pytest.param(
            parse_entry(ENTRY_ID, {b"f%d" % n: b"1" for n in range(10_000)}, org="acme"),
            Reason.SHAPE,
            id="B112-10000-fields",
        ),
        pytest.param(
            parse_entry(ENTRY_ID, {b"n" * 2**20: b"1", b"data": b"1"}, org="acme"),
            Reason.SHAPE,
            id="B112-long-name",
        ),
        pytest.param(parsed(eventId=b""), Reason.BAD_ID, id="B113-empty"),
        pytest.param(parsed(eventId=b"x" * 129), Reason.BAD_ID, id="B113-long"),
        pytest.param(parsed(eventId=b"a\x00b"), Reason.BAD_ID, id="B113-binary"),
        pytest.param(parsed(entityId=b"a\nb"), Reason.BAD_ID, id="B113-newline"),
        pytest.param(parsed(propertyId=b""), Reason.BAD_ID, id="B113-empty-property"),
        pytest.param(parsed(org=b"globex"), Reason.TENANT, id="B117-other-org"),
    ],
)
def test_a_bad_entry_is_set_aside_with_its_reason(found: Event | Rejected, reason: Reason) -> None:
    assert isinstance(found, Rejected)
    assert found.reason is reason
    assert found.data_bytes == len(found.head) or len(found.head) == 256


def test_what_is_delivered_is_never_too_deep_for_the_clients_parser() -> None:
    # The parsers on both ends stop at 1024; in a frame, data lies three levels down.
    for depth in range(1000, 1030):
        found = parsed(b"[" * depth + b"]" * depth)
        if isinstance(found, Event):
            orjson.loads(b'{"events":[%b]}' % encode_events(1, [found])[0])
        else:
            assert found.reason is Reason.DECODE


def test_b110_a_dead_letter_of_data_that_is_too_big_shows_its_first_bytes() -> None:
    data = b'"' + b"x" * MAX_DATA_BYTES + b'"'
    found = parsed(data)
    assert isinstance(found, Rejected)
    assert (found.head, found.data_bytes) == (data[:256], len(data))


def test_a_dead_letter_keeps_all_data_that_may_be_published_again() -> None:
    data = b'"' + b"x" * (MAX_DATA_BYTES - 2) + b'"'
    found = parsed(data, eventId=b"")
    assert isinstance(found, Rejected)
    assert (found.head, found.data_bytes) == (data, MAX_DATA_BYTES)


def test_b143_what_is_no_trace_context_does_not_go_into_a_frame() -> None:
    assert event(traceparent=b"0" * (MAX_TEXT_BYTES + 1)).traceparent is None
    assert event(traceparent=b"0" * MAX_TEXT_BYTES).traceparent == "0" * MAX_TEXT_BYTES


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(parsed(b'"' + b"x" * (MAX_DATA_BYTES - 2) + b'"'), id="B110-just-fits"),
        pytest.param(parsed(eventId=b"x" * MAX_TEXT_BYTES), id="B113-just-fits"),
        pytest.param(parsed(org=b"acme"), id="B117-own-org"),
        pytest.param(
            parse_entry(
                ENTRY_ID,
                {b"data": b"1"} | {b"f%d" % n: b"" for n in range(MAX_FIELD_COUNT - 1)},
                org="acme",
            ),
            id="B112-just-fits",
        ),
        pytest.param(parsed(**{"n" * MAX_NAME_BYTES: b"1"}), id="B112-name-just-fits"),
    ],
)
def test_what_just_fits_is_delivered(found: Event | Rejected) -> None:
    assert isinstance(found, Event)


def test_b114_without_an_event_id_nothing_is_a_repeat() -> None:
    assert event().dedup_key is None


def test_an_event_id_counts_within_its_entity_type() -> None:
    assert event(eventId=b"e1").dedup_key == ("", "e1")
    assert event(eventId=b"e1", entityType=b"task").dedup_key == ("task", "e1")


def test_b121_the_servers_time_counts_and_a_field_that_claims_another_is_ignored() -> None:
    found = event(ts=b"99999999999999", timestamp=b"yesterday")
    assert found.ts_ms == 1795419516100
    assert body(found)["ts"] == 1795419516100


def test_b122_markup_is_passed_on_as_data() -> None:
    data = b'{"html":"<script>alert(1)</script>"}'
    assert body(event(data))["data"] == {"html": "<script>alert(1)</script>"}


@given(st.dictionaries(st.binary(max_size=80), st.binary(max_size=300), max_size=40))
def test_no_entry_whatever_makes_the_parser_fail(fields: dict[bytes, bytes]) -> None:
    assert isinstance(parse_entry("1-0", fields, org="acme"), Event | Rejected)


NAMES = st.sampled_from([b"data", b"type", b"eventId", b"entityId", b"org", b"traceparent"])


@given(st.dictionaries(NAMES, st.binary(max_size=40) | JSON.map(orjson.dumps)))
def test_what_passes_is_valid_json_in_a_batch(fields: dict[bytes, bytes]) -> None:
    found = parse_entry("1-0", fields, org="acme")
    if isinstance(found, Event):
        assert body(found)["seq"] == 7


@given(JSON, st.dictionaries(st.sampled_from(["type", "entityType", "entityId", "eventId"]), TEXTS))
def test_what_a_publisher_writes_is_what_the_worker_reads(
    value: object, texts: dict[str, str]
) -> None:
    found = parse_entry("1-0", entry_fields(orjson.dumps(value), texts, "00-t"), org="acme")
    assert isinstance(found, Event)
    assert body(found) == {"seq": 7, **texts, "ts": 1, "data": value}
    assert found.traceparent == "00-t"
