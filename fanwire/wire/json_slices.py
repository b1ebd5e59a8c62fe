"""Where the parts of a JSON text lie, so that they can be taken as they were written.

Parsing and encoding again would change the spelling of numbers, spaces and escapes. The text
must be known to be valid JSON.
"""

import re
from collections.abc import Iterator
from typing import Final

import orjson

# A string is one token, so that brackets inside it do not count.
_STRING: Final = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BRACKETS: Final = re.compile(_STRING + rb"|[{}\[\]]", re.DOTALL)
_MARKS: Final = re.compile(_STRING + rb"|[{}\[\],:]", re.DOTALL)


def elements(text: bytes, start: int) -> Iterator[bytes]:
    """Return the objects of the array whose first element may begin at `start`."""
    depth = 0
    begin = start
    for token in _BRACKETS.finditer(text, start):
        first = text[token.start()]
        if first in b"{[":
            if depth == 0:
                begin = token.start()
            depth += 1
        elif first in b"}]":
            if depth == 0:
                return
            depth -= 1
            if depth == 0:
                yield text[begin : token.end()]


def members(text: bytes) -> dict[str, bytes]:
    """Return the values of the object that `text` is, each as it is written."""
    found: dict[str, bytes] = {}
    depth = 0
    key: str | None = None
    begin = 0
    last = b""
    for token in _MARKS.finditer(text):
        mark = token[0]
        if mark in (b"{", b"["):
            depth += 1
        elif mark == b":" and key is None:
            key, begin = orjson.loads(last), token.end()
        elif mark in (b",", b"}") and depth == 1 and key is not None:
            found[key] = text[begin : token.start()].strip()
            key = None
        if mark in (b"}", b"]"):
            depth -= 1
        last = mark
    return found
