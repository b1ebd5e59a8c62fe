"""Positions: their spelling and their order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.position import MAX_PART, ZERO, Position, parse_position
from fanwire.errors import InvalidPosition

PARTS = st.integers(0, MAX_PART)
POSITIONS = st.builds(Position, PARTS, PARTS)


@given(POSITIONS)
def test_a_position_survives_its_spelling(position: Position) -> None:
    assert parse_position(str(position)) == position


@given(POSITIONS, POSITIONS)
def test_positions_are_ordered_as_pairs(one: Position, other: Position) -> None:
    assert (one < other) == ((one.epoch, one.seq) < (other.epoch, other.seq))


def test_a_later_epoch_is_later_whatever_its_seq() -> None:
    assert Position(2, 0) > Position(1, MAX_PART) > ZERO


def test_seqs_are_compared_as_numbers_not_as_text() -> None:
    assert parse_position("1-10") > parse_position("1-9")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("abc", id="B56-word"),
        pytest.param("-1-0", id="B56-negative"),
        pytest.param("1e3-1", id="B56-exponent"),
        pytest.param("01-1", id="B56-leading-zero"),
        pytest.param("1-01", id="B56-leading-zero-seq"),
        pytest.param(f"{2**64}-0", id="B56-2-to-the-64"),
        pytest.param(f"0-{2**53}", id="B56-2-to-the-53"),
        pytest.param("9" * 5000 + "-1", id="B56-5000-digits"),
        pytest.param(1.5, id="B56-float"),
        pytest.param({"epoch": 1, "seq": 1}, id="B56-object"),
        pytest.param(None, id="B56-null"),
        pytest.param("", id="B56-empty"),
        pytest.param("1", id="B56-one-part"),
        pytest.param("1-2-3", id="B56-three-parts"),
        pytest.param(" 1-2", id="B56-space"),
        pytest.param("1-2\n", id="B56-newline"),
        pytest.param("+1-2", id="B56-sign"),
        pytest.param("1_0-2", id="B56-underscore"),
        pytest.param("١-٢", id="B56-foreign-digits"),
        pytest.param("$", id="B56-dollar"),
    ],
)
def test_any_other_spelling_is_refused_with_a_bounded_message(value: object) -> None:
    with pytest.raises(InvalidPosition) as caught:
        parse_position(value)
    assert len(str(caught.value)) < 120


@given(st.text(max_size=12))
def test_what_parses_is_spelled_as_we_spell_it(text: str) -> None:
    try:
        position = parse_position(text)
    except InvalidPosition:
        return
    assert str(position) == text
