"""Whether an entry may be delivered, by its fields alone.

A field that we do not know is the publisher's own business and is ignored, unless it looks like one
that we do know: `property_id` instead of `propertyId` would show an event of one property to all.
So such a field sets the entry aside, also beside the right one.

All fields together are bounded, since an ignored field is read from Redis with every entry.
"""

from collections.abc import Mapping
from typing import Final

from fanwire.core.entries.json_text import json_fault
from fanwire.core.entries.rejected import MAX_DATA_BYTES, Fault, Reason
from fanwire.errors import shortened

MAX_ENTRY_BYTES: Final = 2 * MAX_DATA_BYTES
"""The largest data, and as much again for what a publisher adds for other readers of the stream."""

MAX_FIELD_COUNT: Final = 32
"""Room for a publisher's own fields beside the eight that mean something."""

MAX_NAME_BYTES: Final = 64
"""Longer than any name that means something, short enough to log."""

MAX_TEXT_BYTES: Final = 128
"""Room for a URN or two UUIDs; ids go into every frame and into the memory of repeats."""

TEXT_FIELDS: Final = (b"type", b"entityType", b"entityId", b"eventId", b"propertyId")

_KNOWN: Final = frozenset((*TEXT_FIELDS, b"data", b"org", b"traceparent"))

_BETWEEN_WORDS: Final = b"_-. "
"""What other naming styles put between the words of a name, and a typing error around it."""


def _plain(name: bytes) -> bytes:
    return name.translate(None, _BETWEEN_WORDS).lower()


_KNOWN_BY_PLAIN: Final = {_plain(name): name.decode() for name in _KNOWN}

_CONTROL: Final = frozenset(map(chr, (*range(32), 127)))
"""C0 and DEL: they would break a log's line or a terminal."""

_NAMED_COUNT: Final = 8
"""As many names as an event has fields; a sentence stays a sentence."""


def entry_fault(fields: Mapping[bytes, bytes], *, org: str) -> Fault | None:
    """Return what is wrong with the shape or the data of an entry, None if they may pass."""
    # Known fields alone are few, and their names short.
    has_unknown = not fields.keys() <= _KNOWN
    if has_unknown and (fault := _shape_fault(fields) or _name_fault(fields)):
        return fault
    return _size_fault(fields) or _org_fault(fields, org) or json_fault(fields[b"data"])


def checked_texts(fields: Mapping[bytes, bytes]) -> dict[bytes, str] | Fault:
    """Return the ids and other texts of an entry, or what is wrong with one of them."""
    texts: dict[bytes, str] = {}
    for name in TEXT_FIELDS:
        value = fields.get(name)
        if value is None:
            continue
        try:
            text = value.decode()
        except UnicodeDecodeError as error:
            why = f"{shortened(value)} is not UTF-8 (byte {error.start}): encode texts as UTF-8"
            return Fault(Reason.DECODE, name.decode(), f"{name.decode()} {why}")
        if not text or len(value) > MAX_TEXT_BYTES or not _CONTROL.isdisjoint(text):
            why = f"{name.decode()} {shortened(text)} {_text_why(text, value)}"
            return Fault(Reason.BAD_ID, name.decode(), why)
        texts[name] = text
    return texts


def _text_why(text: str, value: bytes) -> str:
    if not text:
        return "is empty: leave the field out where there is none"
    if len(value) > MAX_TEXT_BYTES:
        return f"has {len(value)} bytes, at most {MAX_TEXT_BYTES} are allowed: shorten or hash it"
    at = next(n for n, char in enumerate(text) if char in _CONTROL)
    return f"has the control character {text[at]!r} at {at}: remove it"


def _shape_fault(fields: Mapping[bytes, bytes]) -> Fault | None:
    if len(fields) > MAX_FIELD_COUNT:
        why = f"{len(fields)} fields, at most {MAX_FIELD_COUNT} are allowed: put yours into data"
        return Fault(Reason.SHAPE, "", f"the entry has {why}")
    longest = max(fields, key=len, default=b"")
    if len(longest) <= MAX_NAME_BYTES:
        return None
    field = _name_text(longest)
    why = f"has {len(longest)} bytes, at most {MAX_NAME_BYTES} are allowed: put it into data"
    return Fault(Reason.SHAPE, field, f"the field name {shortened(field)} {why}")


def _name_fault(fields: Mapping[bytes, bytes]) -> Fault | None:
    for name in fields:
        if name not in _KNOWN and (known := _KNOWN_BY_PLAIN.get(_plain(name))):
            held = shortened(fields[name][:MAX_TEXT_BYTES].decode(errors="replace"))
            field = _name_text(name)
            why = f"the field {shortened(field)}, which holds {held}, is not spelt {known}"
            return Fault(Reason.SCHEMA, field, f"{why}: write {known}")
    return None


def _size_fault(fields: Mapping[bytes, bytes]) -> Fault | None:
    data = fields.get(b"data")
    if not data:
        return Fault(Reason.SCHEMA, "data", _no_data_why(fields))
    if len(data) > MAX_DATA_BYTES:
        why = f"data has {len(data)} bytes, at most {MAX_DATA_BYTES} are allowed"
        return Fault(Reason.TOO_BIG, "data", f"{why}: publish a link to what is larger")
    sum_bytes = sum(map(len, fields.values())) + sum(map(len, fields))
    if sum_bytes <= MAX_ENTRY_BYTES:
        return None
    largest = max(fields.keys() - {b"data"}, key=lambda name: len(fields[name]))
    field = _name_text(largest)
    why = f"all fields together have {sum_bytes} bytes, at most {MAX_ENTRY_BYTES} are allowed"
    most = f"{shortened(field)} alone has {len(fields[largest])}"
    return Fault(Reason.TOO_BIG, field, f"{why}, and {most}: leave out what is not data")


def _no_data_why(fields: Mapping[bytes, bytes]) -> str:
    if b"data" in fields:
        return "data is empty: write JSON, such as {} or null"
    names = ", ".join(shortened(_name_text(name)) for name in list(fields)[:_NAMED_COUNT])
    return f"data is missing: write it as JSON. The entry has {names or 'no field'}"


def _org_fault(fields: Mapping[bytes, bytes], org: str) -> Fault | None:
    claimed = fields.get(b"org")
    if claimed is None or claimed == org.encode():
        return None
    held = shortened(claimed.decode(errors="replace"))
    why = f"org is {held}, and the key is of {org!r}: write into the key of that org, or leave out"
    return Fault(Reason.TENANT, "org", f"{why} org")


def _name_text(name: bytes) -> str:
    return name[:MAX_NAME_BYTES].decode(errors="replace")
