"""`POST /v2/realtime/publish`: events of publishers who cannot reach Redis.

Only a token whose claim `publish` is true may, and only for its own org, its services and its
properties. What is checked is what the SDK checks; `data` travels as the very bytes that were sent.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

from fastapi import Request, Response
from opentelemetry.trace import Tracer
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fanwire.auth.claims import Claims
from fanwire.errors import Forbidden, InvalidEvent, RealtimeError
from fanwire.publish.new_event import NewEvent, Outgoing, checked_outgoing
from fanwire.publish.plan import CHUNK_COUNT
from fanwire.publish.tracing import sending
from fanwire.wire.strict_json import written_items, written_members
from gateway.edge.request_body import BodyLimits, as_model, json_object, read_raw
from gateway.routes.answers import error_response, json_response
from gateway.routes.caller import Callers
from gateway.routes.event_writer import EventWriter
from gateway.routes.service_name import ServiceName
from gateway.session.stream_request import check_allowed
from gateway.telemetry.publish_counters import PublishCounters

PATH: Final = "/v2/realtime/publish"
MAX_EVENTS: Final = CHUNK_COUNT
"""What the SDK sends in one round trip; the script that writes them holds Redis for 2 ms or so."""

_TraceParent = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")
]
"""W3C Trace Context, version 00."""


class EventBody(BaseModel):
    """One event. The texts are checked as the SDK checks them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    service: ServiceName
    data: Any
    type: str | None = None
    entityType: str | None = None  # noqa: N815 (the wire's spelling)
    entityId: str | None = None  # noqa: N815
    eventId: str | None = None  # noqa: N815
    propertyId: str | None = None  # noqa: N815
    traceparent: _TraceParent | None = None


class EventsBody(BaseModel):
    """Many events, in their order."""

    model_config = ConfigDict(extra="forbid", strict=True)

    events: Annotated[list[EventBody], Field(min_length=1, max_length=MAX_EVENTS)]


class Publish:
    """The route."""

    def __init__(
        self,
        callers: Callers,
        writer: EventWriter,
        counters: PublishCounters,
        body_limits: BodyLimits,
        tracer: Tracer | None,
    ) -> None:
        self._callers = callers
        self._writer = writer
        self._counters = counters
        self._body_limits = body_limits
        self._tracer = tracer

    async def answer(self, request: Request) -> Response:
        """Write all events of the body, or none, and return their entry ids in order."""
        try:
            events = await self._wanted(request)
            entry_ids = await self._written(events)
        except RealtimeError as error:
            self._counters.reject(error)
            return error_response(error)
        self._counters.write(event.service for event in events)
        return json_response({"entryIds": entry_ids})

    async def _wanted(self, request: Request) -> list[NewEvent]:
        claims = await self._callers.of(request)
        if not claims.publish:
            # Before the body is read: who may not publish costs no more than this.
            raise Forbidden("the token's claim `publish` is not true")
        events = events_of(await read_raw(request, self._body_limits), claims)
        for event in events:
            check_allowed([event.service], event.property_id, claims=claims)
        return events

    async def _written(self, events: Sequence[NewEvent]) -> list[str]:
        with sending(events, self._tracer) as span:
            outgoing = list(_checked(events, span.traceparent))
            return span.sent(await self._writer.write(outgoing))


def events_of(raw: bytes, claims: Claims) -> list[NewEvent]:
    """Return the events that a body spells, as of the org of `claims`.

    Raises:
        BadMessage: If it is no strict JSON object.
        InvalidBody: If it is neither an event nor `{"events": […]}`.
    """
    fields = json_object(raw)
    if "events" not in fields:
        return [_new_event(as_model(fields, EventBody), raw, claims)]
    bodies = as_model(fields, EventsBody).events
    # There is no other field, so the first bracket opens the list.
    written = written_items(raw[raw.index(b"[") :])
    return [_new_event(body, text, claims) for body, text in zip(bodies, written, strict=True)]


def _new_event(body: EventBody, text: bytes, claims: Claims) -> NewEvent:
    return NewEvent(
        claims.org,
        body.service,
        written_members(text)["data"],
        type=body.type,
        entity_type=body.entityType,
        entity_id=body.entityId,
        event_id=body.eventId,
        property_id=body.propertyId,
        traceparent=body.traceparent,
    )


def _checked(events: Sequence[NewEvent], traceparent: str | None) -> Iterator[Outgoing]:
    for number, event in enumerate(events):
        try:
            yield checked_outgoing(event, traceparent)
        except InvalidEvent as error:
            raise InvalidEvent(f"events.{number}: {error.message}") from None
