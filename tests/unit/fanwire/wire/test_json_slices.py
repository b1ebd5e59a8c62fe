"""The parts of a JSON text are found as they are written."""

import json

import orjson
from hypothesis import given
from hypothesis import strategies as st

from fanwire.wire.json_slices import elements, members

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(), JSON, max_size=4)


@given(OBJECTS, st.sampled_from([None, 2]))
def test_the_members_of_an_object_are_its_values(value: dict[str, object], indent: int) -> None:
    text = json.dumps(value, indent=indent).encode()
    assert {key: orjson.loads(raw) for key, raw in members(text).items()} == value


def test_a_value_keeps_its_spelling() -> None:
    text = rb'{ "n" : 1.0e0 , "s":"\u00e9, }" , "deep": {"n": [1 , 2]}}'
    assert members(text) == {"n": b"1.0e0", "s": rb'"\u00e9, }"', "deep": b'{"n": [1 , 2]}'}


@given(st.lists(OBJECTS, max_size=4))
def test_the_elements_of_an_array_are_its_objects(values: list[dict[str, object]]) -> None:
    text = b'{"events":[' + b",".join(map(orjson.dumps, values)) + b"]}"
    assert list(elements(text, len(b'{"events":['))) == list(map(orjson.dumps, values))
