"""Which texts have exactly one reading."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.wire.strict_json import (
    NotStrictJson,
    parse_object,
    written_items,
    written_members,
)

AMBIGUOUS = {
    "empty": b"",
    "blank": b"  ",
    "array": b"[1]",
    "text": b'"a"',
    "null": b"null",
    "key twice": b'{"a":1,"a":1}',
    "inner key twice": b'{"o":{"a":1,"a":2}}',
    "escaped key twice": b'{"a":1,"\\u0061":2}',
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "1e400": b'{"a":1e400}',
    "5000 digits": b'{"a":' + b"9" * 5000 + b"}",
    "nested 20000 deep": b'{"a":' + b"[" * 20_000,
    "nested objects": b'{"a":' * 20_000,
    "two objects": b"{} {}",
    "not UTF-8": b'{"a":"\xff"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "raw newline in a text": b'{"a":"\n"}',
}


@pytest.mark.parametrize("text", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_a_text_with_no_or_two_readings_is_refused(text: bytes) -> None:
    with pytest.raises(NotStrictJson):
        parse_object(text)


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
)
values = scalars | st.text() | st.lists(scalars, max_size=3) | st.dictionaries(st.text(), scalars)


@given(st.dictionaries(st.text(), values, max_size=4))
def test_every_plain_object_is_read_as_it_was_written(fields: dict[str, object]) -> None:
    assert parse_object(json.dumps(fields).encode()) == fields


@given(st.binary(max_size=64))
def test_no_bytes_raise_anything_else(text: bytes) -> None:
    with suppress(NotStrictJson):
        parse_object(text)


@given(st.dictionaries(st.text(), values, max_size=4), st.sampled_from([None, 2]))
def test_the_members_of_an_object_are_its_values(fields: dict[str, object], indent: int) -> None:
    written = written_members(b" " + json.dumps(fields, indent=indent).encode() + b"\n")
    assert {key: json.loads(text) for key, text in written.items()} == fields


@given(st.lists(values, max_size=4), st.sampled_from([None, 2]))
def test_the_items_of_an_array_are_its_values(items: list[object], indent: int) -> None:
    written = written_items(json.dumps(items, indent=indent, ensure_ascii=False).encode())
    assert list(map(json.loads, written)) == items


def test_a_value_keeps_its_spelling() -> None:
    text = rb'{ "n" : 1.0e0 , "s":"\u00e9, }" , "d\u0065ep" :{"n": [1 , 2]} }'
    assert written_members(text) == {
        "n": b"1.0e0",
        "s": rb'"\u00e9, }"',
        "deep": b'{"n": [1 , 2]}',
    }
    assert written_items(b'[ {"a" :1} ,[ ] , "]" ] }') == [b'{"a" :1}', b"[ ]", b'"]"']


def test_the_deepest_object_that_is_read_is_taken_apart() -> None:
    def nested(depth: int) -> bytes:
        return b'{"data":%b%b}' % (b"[" * depth, b"]" * depth)

    def is_read(depth: int) -> bool:
        with suppress(NotStrictJson):
            return bool(parse_object(nested(depth)))
        return False

    deepest = max(depth for depth in range(1, 1_000, 7) if is_read(depth))
    assert written_members(nested(deepest))["data"] == b"[" * deepest + b"]" * deepest
