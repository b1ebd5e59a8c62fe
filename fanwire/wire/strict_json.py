"""JSON objects that have one meaning, or none.

Parsers disagree on repeated keys, on NaN and on numbers that overflow. The check of such a
text and its use may then see two different objects, and that is how checks are passed
by. What comes from outside and decides about rights is therefore read by this one function.

Rejected: orjson. It is faster, but it silently takes the last of two equal keys.
"""

import json
import math
import re
from typing import Final

_BRACKET: Final = re.compile(r"[ \t\n\r]*[{\[]?[ \t\n\r]*")
_COLON: Final = re.compile(r"[ \t\n\r]*:?[ \t\n\r]*")
_COMMA: Final = re.compile(r"[ \t\n\r]*,?[ \t\n\r]*")
_STEP: Final = json.JSONDecoder().raw_decode
"""Reads one value from an index on, and tells where it ends."""


class NotStrictJson(ValueError):
    """The bytes are not one JSON object in UTF-8 with distinct keys and finite numbers."""


def parse_object(text: bytes) -> dict[str, object]:
    """Return the object that `text` spells.

    Raises:
        NotStrictJson: If there is none, or more than one reading of it. The message does not
            quote the text, so it may be logged.
    """
    try:
        value = _DECODER.decode(text.decode())
    except NotStrictJson:
        raise
    except (ValueError, RecursionError) as error:
        raise NotStrictJson(f"not strict JSON: {type(error).__name__}") from None
    if not isinstance(value, dict):
        raise NotStrictJson(f"a JSON {type(value).__name__} where an object is needed")
    return value


def written_members(text: bytes) -> dict[str, bytes]:
    """Return the values of an object that `parse_object` has read, each as it is written.

    By the parser's own steps: a search for brackets, as in json_slices.py beside this, takes 20
    times as long on a text of nothing else, and this text comes from outside.
    """
    source = text.decode()
    found: dict[str, bytes] = {}
    at = _inside(source)
    while source[at] != "}":
        key, at = _STEP(source, at)
        begin = _behind(_COLON, source, at)
        _, end = _STEP(source, begin)
        found[key] = source[begin:end].encode()
        at = _behind(_COMMA, source, end)
    return found


def written_items(text: bytes) -> list[bytes]:
    """Return the items of an array inside such an object, each as it is written.

    What follows the array is not looked at.
    """
    source = text.decode()
    found: list[bytes] = []
    at = _inside(source)
    while source[at] != "]":
        _, end = _STEP(source, at)
        found.append(source[at:end].encode())
        at = _behind(_COMMA, source, end)
    return found


def _inside(source: str) -> int:
    return _behind(_BRACKET, source, 0)


def _behind(mark: re.Pattern[str], source: str, at: int) -> int:
    match = mark.match(source, at)
    assert match is not None, "the patterns match nothing, too"
    return match.end()


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise NotStrictJson("a key appears twice")
    return fields


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise NotStrictJson("a number is too large")
    return number


def _no_constant(name: str) -> None:
    raise NotStrictJson(f"{name} is not JSON")


# Made once: `json.loads` with these arguments would make a decoder for each text.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_distinct, parse_float=_finite, parse_constant=_no_constant
)
