"""Values that the worker's tests are made of."""

from fanwire.events import Event, Reason, Rejected, parse_entry


def an_event(
    number: int = 1,
    *,
    event_id: str | None = None,
    payload: bytes = b"{}",
    property_id: str | None = None,
    ts_ms: int = 1_000,
) -> Event:
    """Return the event of entry `<ts_ms>-<number>`."""
    texts = {b"eventId": event_id, b"propertyId": property_id}
    fields = {name: text.encode() for name, text in texts.items() if text is not None}
    event = parse_entry(f"{ts_ms}-{number}", fields | {b"data": payload}, org="acme")
    assert isinstance(event, Event)
    return event


def a_reject(number: int = 1, *, ts_ms: int = 1_000) -> Rejected:
    """Return the entry `<ts_ms>-<number>`, which has no data."""
    return Rejected(f"{ts_ms}-{number}", Reason.SCHEMA, b"")
