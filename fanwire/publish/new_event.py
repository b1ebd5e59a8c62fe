"""What a publisher hands over, checked before it is sent.

The check is the worker's own (`parse_entry`): what passes here is never set aside there, and
what would be set aside is refused while its author still has it in hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_hex
from typing import Final

import orjson

from fanwire.core.entries.rejected import Rejected
from fanwire.core.events import entry_fields, parse_entry
from fanwire.core.ids import checked_org, checked_service
from fanwire.core.keys import Topic
from fanwire.errors import InvalidEvent, shortened

_ANY_ENTRY: Final = "0-0"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to publish.

    `data` of type bytes is finished JSON and travels unchanged; anything else is encoded.
    Without an `event_id` one is made up, so that sending again after a lost answer is safe.
    """

    org: str
    service: str
    data: object
    type: str | None = None
    entity_type: str | None = None
    entity_id: str | None = None
    event_id: str | None = None
    property_id: str | None = None
    traceparent: str | None = None

    def texts(self) -> dict[str, str | None]:
        """Return the text fields under their names in the entry."""
        return {
            "type": self.type,
            "entityType": self.entity_type,
            "entityId": self.entity_id,
            "eventId": self.event_id,
            "propertyId": self.property_id,
        }


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event that passed the check, as the fields to XADD."""

    topic: Topic
    event_id: str
    fields: Mapping[bytes, bytes]


def checked_outgoing(event: NewEvent, traceparent: str | None = None) -> Outgoing:
    """Return `event` ready to be sent; `traceparent` stands in where it has none.

    Raises:
        InvalidId: If the org or the service is outside the alphabet.
        InvalidEvent: If the worker would set the event aside.
    """
    topic = Topic(checked_org(event.org), checked_service(event.service))
    texts = event.texts()
    _check_types({**texts, "traceparent": event.traceparent})
    event_id = token_hex(12) if event.event_id is None else event.event_id
    texts["eventId"] = event_id
    try:
        fields = entry_fields(_encoded(event.data), texts, event.traceparent or traceparent)
    except UnicodeEncodeError as cause:
        raise InvalidEvent(f"text {shortened(cause.object)} is not UTF-8") from None
    _check(fields, topic)
    return Outgoing(topic, event_id, fields)


def _check_types(texts: Mapping[str, object]) -> None:
    # A number is not taken for its text: a float or a bool would be spelled in Python's way.
    for name, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise InvalidEvent(
                f"{name} {shortened(text)} is of type {type(text).__name__}: it must be a str"
            )


def _encoded(data: object) -> bytes:
    if isinstance(data, bytes):
        return data
    try:
        return orjson.dumps(data)
    except TypeError as cause:
        raise InvalidEvent(f"data {shortened(data)} is not JSON: {cause}") from None


def _check(fields: Mapping[bytes, bytes], topic: Topic) -> None:
    verdict = parse_entry(_ANY_ENTRY, fields, org=topic.org)
    if isinstance(verdict, Rejected):
        raise InvalidEvent(f"event for {topic}: {verdict.fault.why}")
