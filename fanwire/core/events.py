"""What a publisher may write, and what the worker makes of it.

An entry is checked once, by the worker that owns its topic. The check is deterministic, so
an entry that fails it is set aside at once: another try would fail the same way. `data` is
checked to be JSON and then carried as the very bytes that were published.

Rejected: parsing `data` and encoding it again. It costs three times as much, and numbers
and key order would reach the browser other than they left the publisher.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from fanwire.core.entries.checks import (
    MAX_TEXT_BYTES,
    TEXT_FIELDS,
    checked_texts,
    entry_fault,
)
from fanwire.core.entries.rejected import Fault, Rejected, rejected


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
    texts = entry_fault(fields, org=org) or checked_texts(fields)
    if isinstance(texts, Fault):
        return rejected(entry_id, texts, fields.get(b"data", b""))
    return _event(entry_id, texts, fields[b"data"], _traceparent(fields))


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


def _traceparent(fields: Mapping[bytes, bytes]) -> str | None:
    # One that is no context is to be ignored (W3C Trace Context, 3.2.2); it goes into the frame.
    given = fields.get(b"traceparent", b"")
    return given.decode(errors="replace") if 0 < len(given) <= MAX_TEXT_BYTES else None


def _event(
    entry_id: str, texts: Mapping[bytes, str], data: bytes, traceparent: str | None
) -> Event:
    ts_ms = int(entry_id.partition("-")[0])
    event_id = texts.get(b"eventId")
    named = b"".join(
        b',"%b":%b' % (name, orjson.dumps(texts[name])) for name in TEXT_FIELDS if name in texts
    )
    return Event(
        entry_id=entry_id,
        ts_ms=ts_ms,
        dedup_key=None if event_id is None else (texts.get(b"entityType", ""), event_id),
        property_id=texts.get(b"propertyId"),
        traceparent=traceparent,
        tail=b'%b,"ts":%d,"data":%b}' % (named, ts_ms, data),
        # With its property: who sees only the other one must not lose this one to it.
        entity=(texts.get(b"entityType"), texts[b"entityId"], texts.get(b"propertyId"))
        if b"entityId" in texts
        else None,
    )
