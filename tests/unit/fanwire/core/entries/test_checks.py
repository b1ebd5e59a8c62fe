"""Which fields an entry may have, and what is said of one that may not pass."""

import pytest

from fanwire.core.entries.checks import MAX_ENTRY_BYTES, checked_texts, entry_fault
from fanwire.core.entries.rejected import Fault, Reason


def fault(**fields: bytes) -> Fault | None:
    named = {name.encode(): value for name, value in fields.items()}
    return entry_fault({b"data": b"{}", **named}, org="acme")


def fault_of(fields: dict[bytes, bytes]) -> Fault:
    found = entry_fault(fields, org="acme")
    assert found is not None
    return found


LOOK_ALIKES = {
    "property_id": "propertyId",
    "PropertyId": "propertyId",
    "PROPERTY-ID": "propertyId",
    "propertyID": "propertyId",
    " propertyId": "propertyId",
    "property.id": "propertyId",
    "event_id": "eventId",
    "entity-type": "entityType",
    "entityid": "entityId",
    "Type": "type",
    "Data": "data",
    "ORG": "org",
    "trace_parent": "traceparent",
}


@pytest.mark.parametrize(("name", "known"), LOOK_ALIKES.items(), ids=LOOK_ALIKES.keys())
def test_b142_a_misspelt_field_is_named_with_the_right_spelling(name: str, known: str) -> None:
    found = fault_of({b"data": b"{}", name.encode(): b"p9"})
    assert (found.reason, found.field) == (Reason.SCHEMA, name)
    assert repr(name) in found.why
    assert "'p9'" in found.why
    assert found.why.endswith(f"write {known}")


def test_b142_a_misspelt_field_is_named_also_beside_the_right_one_or_without_data() -> None:
    beside = fault(propertyId=b"p9", property_id=b"p9")
    assert beside is not None
    assert beside.field == "property_id"
    assert fault_of({b"Data": b"{}"}).field == "Data"


@pytest.mark.parametrize("name", ["tracestate", "source", "property", "id", "x_propertyId", "ts"])
def test_a_publisher_s_own_fields_are_ignored(name: str) -> None:
    assert fault(**{name: b"1"}) is None


def test_b143_all_fields_together_are_bounded_to_the_byte() -> None:
    rest = MAX_ENTRY_BYTES - len(b"data{}note")
    assert fault(note=b"x" * rest) is None
    found = fault(note=b"x" * (rest + 1))
    assert found is not None
    assert (found.reason, found.field) == (Reason.TOO_BIG, "note")
    assert f"together have {MAX_ENTRY_BYTES + 1} bytes, at most {MAX_ENTRY_BYTES}" in found.why


def test_b143_a_field_of_ours_that_has_megabytes_is_named() -> None:
    found = fault(traceparent=b"x" * 3_000_000, note=b"x")
    assert found is not None
    assert (found.reason, found.field) == (Reason.TOO_BIG, "traceparent")


def test_the_key_and_the_org_field_are_both_named_where_they_differ() -> None:
    found = fault(org=b"globex")
    assert found is not None
    assert (found.field, "'globex'" in found.why, "'acme'" in found.why) == ("org", True, True)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "no field"),
        ({b"type": b"a", b"payload": b"{}"}, "'type', 'payload'"),
        ({b"data": b""}, "data is empty"),
    ],
)
def test_b109_missing_data_is_told_by_what_is_there(fields: dict[bytes, bytes], said: str) -> None:
    found = fault_of(fields)
    assert (found.reason, found.field) == (Reason.SCHEMA, "data")
    assert said in found.why


@pytest.mark.parametrize("name", [b"eventId", b"entityId", b"propertyId"])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"", "'' is empty"),
        (b"x" * 129, "has 129 bytes, at most 128"),
        (b"a\x00b", r"control character '\x00' at 1"),
    ],
)
def test_b113_a_bad_id_says_which_field_what_it_held_and_why(
    name: bytes, value: bytes, said: str
) -> None:
    found = checked_texts({b"type": b"ok", name: value})
    assert isinstance(found, Fault)
    assert (found.reason, found.field) == (Reason.BAD_ID, name.decode())
    assert found.why.startswith(name.decode())
    assert said in found.why


def test_b111_a_text_that_is_not_utf8_is_named() -> None:
    found = checked_texts({b"type": b"ab\xff"})
    assert isinstance(found, Fault)
    assert (found.reason, found.field) == (Reason.DECODE, "type")
    assert "byte 2" in found.why


@pytest.mark.parametrize(
    "fields",
    [
        {b"n" * 2**20: b"1"},
        {b"f%d" % n: b"1" for n in range(10_000)},
        {b"data": b"x" * 2**20},
        {b"data": b"{}", b"property_id": b"\xff\x00" * 10_000},
        {b"x" * 60 + b"%d" % n: b"1" for n in range(30)},
        {b"data": b"{}", b"org": b"o" * 10_000},
        {b"data": b"{" + b"x" * 10_000},
    ],
)
def test_b112_what_is_said_of_a_hostile_entry_is_bounded(fields: dict[bytes, bytes]) -> None:
    found = fault_of(fields)
    assert len(found.why) < 1_000
    assert len(found.field) <= 64
