"""JSON objects that have one meaning, or none.

Parsers disagree on repeated keys, on NaN and on numbers that overflow. The check of such a
text and its use may then see two different objects, and that is how checks are passed
by. What comes from outside and decides about rights is therefore read by this one function.

Rejected: orjson. It is faster, but it silently takes the last of two equal keys.
"""

import json
import math
from typing import Final


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
