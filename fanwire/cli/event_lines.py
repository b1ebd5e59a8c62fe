"""Files of events: one JSON object a line, ours or recorded webhooks.

Ours: `{"service", "data", "type", "entityType", "entityId", "eventId", "propertyId"}`.
Recorded webhooks of GitHub: `{"event" or "name", "payload", "delivery"}`; the event's name is
the service, the repository the property, the delivery the event id. In both, the payload is
published as the very bytes that stand in the line.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson

from fanwire.core.ids import MAX_ID_LENGTH
from fanwire.errors import InvalidEvent, shortened
from fanwire.publish.new_event import NewEvent
from fanwire.wire.json_slices import members

_FOREIGN: Final = re.compile(r"[^A-Za-z0-9._-]+")


def events_of_lines(
    lines: Iterable[bytes], *, org: str, service: str | None = None
) -> Iterator[NewEvent]:
    """Return the events of a file; `service` overrides that of each line.

    Raises:
        InvalidEvent: If a line is not such an object, with its number.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _event(line, number, org=org, service=service)


def data_of_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Return the lines that are not empty, each the `data` of one event."""
    return (line.strip() for line in lines if line.strip())


def as_name(text: str) -> str:
    """Return `text` with every character that an id may not have replaced."""
    return _FOREIGN.sub("-", text).strip("-._")[:MAX_ID_LENGTH]


def _event(line: bytes, number: int, *, org: str, service: str | None) -> NewEvent:
    fields, raw = _object(line, number)
    payload = _first(raw, "data", "payload")
    named = service or _text(_first(fields, "service", "event", "name"))
    if payload is None or named is None:
        raise InvalidEvent(f'line {number} has no "data" or "payload", or names no service')
    return NewEvent(
        org,
        as_name(named),
        payload,
        type=_text(fields.get("type")) or _webhook_type(fields),
        entity_type=_text(fields.get("entityType")),
        entity_id=_text(fields.get("entityId")),
        event_id=_text(_first(fields, "eventId", "delivery")),
        property_id=_text(fields.get("propertyId")) or _repository(fields.get("payload")),
    )


def _object(line: bytes, number: int) -> tuple[dict[str, Any], dict[str, bytes]]:
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError as cause:
        raise InvalidEvent(f"line {number} is not JSON: {cause}") from None
    if not isinstance(fields, dict):
        raise InvalidEvent(f"line {number} is no JSON object: {shortened(line)}")
    return fields, members(line)


def _first(fields: dict[str, Any], *names: str) -> Any:
    return next((fields[name] for name in names if name in fields), None)


def _text(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) and value != "" else None


def _webhook_type(fields: dict[str, Any]) -> str | None:
    event, payload = _text(_first(fields, "event", "name")), fields.get("payload")
    action = payload.get("action") if isinstance(payload, dict) else None
    if event is None:
        return None
    return f"{event}.{action}" if isinstance(action, str) else event


def _repository(payload: object) -> str | None:
    repository = payload.get("repository") if isinstance(payload, dict) else None
    name = repository.get("full_name") if isinstance(repository, dict) else None
    return as_name(name) if isinstance(name, str) and name else None
