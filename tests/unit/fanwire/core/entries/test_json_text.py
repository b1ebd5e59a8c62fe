"""What is said of data that no reader of a frame could take."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.entries.json_text import half_pair, json_fault
from fanwire.core.entries.rejected import Reason


def why(data: bytes) -> str:
    found = json_fault(data)
    assert found is not None
    assert (found.reason, found.field) == (Reason.DECODE, "data")
    return found.why


@pytest.mark.parametrize(
    ("data", "escape", "at"),
    [
        (rb'"\ud83d"', r"\ud83d", 1),
        (rb'{"title":"Fix \uD83D"}', r"\uD83D", 14),
        (rb'"\ud83d\ude00\ude00"', r"\ude00", 13),
        (rb'"\ud83d\ud83d\ude00"', r"\ud83d", 1),
        (rb'"\ud83d \ude00"', r"\ud83d", 1),
        (rb'{"\udfff":1}', r"\udfff", 2),
    ],
)
def test_b144_half_an_emoji_is_told_with_what_to_call(data: bytes, escape: str, at: int) -> None:
    told = why(data)
    assert f"half of a surrogate pair, {escape} at byte {at}:" in told
    assert "toWellFormed()" in told


@pytest.mark.parametrize("data", [rb'"\ud83d\ude00"', rb'"\\ud83d"', rb'"\u0041\n\\"'])
def test_b144_a_whole_pair_and_an_escaped_backslash_pass(data: bytes) -> None:
    assert json_fault(data) is None
    assert half_pair(data) is None


@given(st.text(st.characters(), max_size=12))
def test_b144_a_half_is_found_exactly_where_orjson_refuses(text: str) -> None:
    data = json.dumps(text).encode()
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        assert half_pair(data) is not None
        assert "surrogate" in why(data)
    else:
        assert half_pair(data) is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[object Object]", "data '[object Object]' is not JSON"),
        (b"{'a': 1}", "json.dumps"),
        (b"NaN", "data 'NaN'"),
        (b'"caf\xe9"', "byte 4 is not UTF-8"),
        (b"[" * 1022 + b"]" * 1022, "nested too deeply"),
    ],
)
def test_b111_what_is_not_json_is_shown_with_what_to_call(data: bytes, said: str) -> None:
    assert said in why(data)
