r"""Whether `data` is JSON that every reader of a frame can take, and what is said where not.

Half of a surrogate pair (`"\ud83d"`), which JSON.stringify writes where a text was cut inside an
emoji, is refused although browsers would take it. A frame is one JSON text of many events, and most
of its readers refuse such a text as a whole: the gateway where it conflates, the Python SDK,
`fanwire trace`, and the parsers of several languages (RFC 8259 calls the outcome unpredictable, RFC
7493 forbids it). One such event would cost a client all of its batch, at every attempt.

Rejected: writing U+FFFD in its place. What is delivered is byte for byte what was published.
"""

import re
from typing import Final

import orjson

from fanwire.core.entries.rejected import Fault, Reason
from fanwire.errors import shortened

_SURELY_SHALLOW: Final = 1000
"""The usual limit of nesting: Python's own parser stops near 1 000, orjson at 1 024."""

_ESCAPE: Final = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)

_HALF_PAIR_FIX: Final = (
    "a text was cut in the middle of an emoji. In JavaScript call text.toWellFormed() before "
    'JSON.stringify, or cut by characters: [...text].slice(0, n).join("")'
)

_SHOWN_BYTES: Final = 60
"""What `shortened` shows of it."""


def json_fault(data: bytes) -> Fault | None:
    """Return what is wrong with `data`, None if it may be put into a frame."""
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError as error:
        return Fault(Reason.DECODE, "data", _why(data, error))
    if data.count(b"[") + data.count(b"{") > _SURELY_SHALLOW:
        # In a frame, data lies three levels deeper, and clients' parsers stop somewhere:
        # one that stopped inside a batch would resume from before it, for ever.
        try:
            orjson.loads(b"[[[%b]]]" % data)
        except orjson.JSONDecodeError:
            why = "data is nested too deeply: clients' parsers stop near 1000 levels, so flatten it"
            return Fault(Reason.DECODE, "data", why)
    return None


def _why(data: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        data.decode()
    except UnicodeDecodeError as not_utf8:
        held = shortened(data[not_utf8.start :][:_SHOWN_BYTES])
        return (
            f"data is not JSON, since byte {not_utf8.start} is not UTF-8: {held}; encode as UTF-8"
        )
    if "surrogate" in error.msg and (half := half_pair(data)):
        at, escape = half
        return f"data has half of a surrogate pair, {escape} at byte {at}: {_HALF_PAIR_FIX}"
    held = shortened(data[:_SHOWN_BYTES].decode(errors="replace"))
    return (
        f"data {held} is not JSON ({error.msg}, at {error.pos}): "
        "write what JSON.stringify or json.dumps returns"
    )


def half_pair(text: bytes) -> tuple[int, str] | None:
    r"""Return where the first `\uXXXX` stands that is half of a surrogate pair, and which it is."""
    high: re.Match[bytes] | None = None
    for escape in _ESCAPE.finditer(text):
        unit = int(escape[1], 16) if escape[1] else 0
        is_low = 0xDC00 <= unit < 0xE000
        if high is not None and not (is_low and high.end() == escape.start()):
            return high.start(), high[0].decode()
        if is_low and high is None:
            return escape.start(), escape[0].decode()
        high = escape if 0xD800 <= unit < 0xDC00 else None
    return None if high is None else (high.start(), high[0].decode())
