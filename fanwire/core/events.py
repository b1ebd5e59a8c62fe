"""What a publisher may write, and what the worker makes of it.

An entry is checked once, by the worker that owns its topic. The check is deterministic, so
an entry that fails it is set aside at once: another try would fail the same way. `data` is
checked to be JSON and then carried as the very bytes that were published.

Rejected: parsing `data` and encoding it again. It costs three times as much, and numbers
and key order would reach the browser other than they left the publisher.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import orjson

MAX_DATA_BYTES: Final = 65_536
"""A batch's size, so that the largest event makes a frame of its own; more belongs behind a
link."""

MAX_FIELD_COUNT: Final = 32
"""Room for a publisher's own fields beside the eight that mean something."""

MAX_NAME_BYTES: Final = 64
"""Longer than any name that means something, short enough to log."""

MAX_TEXT_BYTES: Final = 128
"""Room for a URN or two UUIDs; ids go into every frame and into the memory of repeats."""

REJECTED_HEAD_BYTES: Final = 256
"""Enough to recognise an event by, and 10 000 dead letters of a topic stay within 3 MB."""

_SURELY_SHALLOW: Final = 1000
"""The usual limit of nesting: Python's own parser stops near 1 000, orjson at 1 024."""

_TEXT_FIELDS: Final = (b"type", b"entityType", b"entityId", b"eventId", b"propertyId")

_CONTROL: Final = frozenset(map(chr, (*range(32), 127)))
"""C0 and DEL: they would break a log's line or a terminal."""


class Reason(StrEnum):
    """Why an entry was set aside; written into the dead letter."""

    SCHEMA = "schema"  # no data
    SHAPE = "shape"  # too many fields, or a field name too long
    TOO_BIG = "too_big"
    DECODE = "decode"  # data is not JSON, or a text is not UTF-8
    BAD_ID = "bad_id"  # an id or another text is empty, too long or has control characters
    TENANT = "tenant"  # the entry claims another org than its key
    POISON = "poison"  # the worker died of it


@dataclass(frozen=True, slots=True)
class Rejected:
    """An entry that cannot be delivered."""

    entry_id: str
    reason: Reason
    head: bytes
    """The first bytes of its data, for a reader of the dead letters."""


@dataclass(slots=True)
class Event:
    """An entry that passed. Not frozen: one is made per event, at input rate."""

    entry_id: str
    ts_ms: int
    """When Redis took the entry: the millisecond part of its id."""
    dedup_key: tuple[str, str] | None
    """(entityType, eventId), or None without an eventId: then nothing is a repeat."""
    property_id: str | None
    traceparent: str | None
    tail: bytes
    """The event's JSON after its seq: `,"type":…,"data":…}`."""
    entity: tuple[str | None, ...] | None = None
    """Of what it tells the latest state, and to whom; None without an entityId."""


def parse_entry(entry_id: str, fields: Mapping[bytes, bytes], *, org: str) -> Event | Rejected:
    """Return the event that an entry of an events stream of `org` holds."""
    data = fields.get(b"data", b"")
    reason = _fault(fields, data, org)
    if reason is not None:
        return Rejected(entry_id, reason, data[:REJECTED_HEAD_BYTES])
    try:
        texts = {name: fields[name].decode() for name in _TEXT_FIELDS if name in fields}
    except UnicodeDecodeError:
        return Rejected(entry_id, Reason.DECODE, data[:REJECTED_HEAD_BYTES])
    if any(_is_bad_text(text) for text in texts.values()):
        return Rejected(entry_id, Reason.BAD_ID, data[:REJECTED_HEAD_BYTES])
    return _event(entry_id, texts, data, fields.get(b"traceparent"))


def entry_fields(
    data: bytes, texts: Mapping[str, str | None], traceparent: str | None = None
) -> dict[bytes, bytes]:
    """Return the fields to XADD for an event, the inverse of `parse_entry`."""
    fields = {name.encode(): text.encode() for name, text in texts.items() if text is not None}
    if traceparent is not None:
        fields[b"traceparent"] = traceparent.encode()
    fields[b"data"] = data
    return fields


def encode_events(first_seq: int, events: Sequence[Event]) -> list[bytes]:
    """Return each event's finished JSON, numbered from `first_seq` on."""
    return [b'{"seq":%d%b' % (first_seq + i, event.tail) for i, event in enumerate(events)]


def _fault(fields: Mapping[bytes, bytes], data: bytes, org: str) -> Reason | None:
    if len(fields) > MAX_FIELD_COUNT or max(map(len, fields), default=0) > MAX_NAME_BYTES:
        return Reason.SHAPE
    if not data:
        return Reason.SCHEMA
    if len(data) > MAX_DATA_BYTES:
        return Reason.TOO_BIG
    if fields.get(b"org", org.encode()) != org.encode():
        return Reason.TENANT
    try:
        orjson.loads(data)
        if data.count(b"[") + data.count(b"{") > _SURELY_SHALLOW:
            # In a frame, data lies three levels deeper, and clients' parsers stop somewhere:
            # one that stopped inside a batch would resume from before it, for ever.
            orjson.loads(b"[[[%b]]]" % data)
    except orjson.JSONDecodeError:
        return Reason.DECODE
    return None


def _is_bad_text(text: str) -> bool:
    return not text or len(text.encode()) > MAX_TEXT_BYTES or not _CONTROL.isdisjoint(text)


def _event(
    entry_id: str, texts: Mapping[bytes, str], data: bytes, traceparent: bytes | None
) -> Event:
    ts_ms = int(entry_id.partition("-")[0])
    event_id = texts.get(b"eventId")
    named = b"".join(
        b',"%b":%b' % (name, orjson.dumps(texts[name])) for name in _TEXT_FIELDS if name in texts
    )
    return Event(
        entry_id=entry_id,
        ts_ms=ts_ms,
        dedup_key=None if event_id is None else (texts.get(b"entityType", ""), event_id),
        property_id=texts.get(b"propertyId"),
        traceparent=traceparent.decode(errors="replace") if traceparent else None,
        tail=b'%b,"ts":%d,"data":%b}' % (named, ts_ms, data),
        # With its property: who sees only the other one must not lose this one to it.
        entity=(texts.get(b"entityType"), texts[b"entityId"], texts.get(b"propertyId"))
        if b"entityId" in texts
        else None,
    )
