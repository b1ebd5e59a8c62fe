"""`POST /v2/realtime/update-services`: change what open sockets get, without touching them."""

from typing import Annotated, Final, cast

from fastapi import Request, Response
from opentelemetry.trace import Tracer
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fanwire.auth.claims import Claims
from fanwire.core.ids import Service
from fanwire.core.subscription import Subscription
from fanwire.errors import Forbidden, InvalidBody, RealtimeError
from gateway.edge.request_body import BodyLimits, read_body
from gateway.routes.answers import error_response, json_response
from gateway.routes.caller import Callers
from gateway.routes.service_name import ServiceName
from gateway.session.store import SubscriptionChange, SubscriptionStore
from gateway.session.stream_request import check_allowed
from shared.telemetry import spans
from shared.telemetry.short_span import begin

PATH: Final = "/v2/realtime/update-services"
STORED: Final = "stored"

_MAX_TEXT = 128
"""As the claims of a token (fanwire/auth/claims.py)."""

_Text = Annotated[str, StringConstraints(min_length=1, max_length=_MAX_TEXT)]


class UpdateServices(BaseModel):
    """The body. An omitted `propertyId` leaves the filter as it is, null clears it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    services: Annotated[list[ServiceName], Field(max_length=1_000)]
    propertyId: _Text | None = None  # noqa: N815 (the wire's spelling)
    connectionId: _Text | None = None  # noqa: N815
    ifVersion: Annotated[int, Field(ge=0)] | None = None  # noqa: N815
    requestId: _Text | None = None  # noqa: N815


class Subscriptions:
    """The route."""

    def __init__(
        self,
        callers: Callers,
        store: SubscriptionStore,
        body_limits: BodyLimits,
        *,
        max_services: int,
        tracer: Tracer | None,
    ) -> None:
        self._callers = callers
        self._store = store
        self._body_limits = body_limits
        self._max_services = max_services
        self._tracer = tracer

    async def answer(self, request: Request) -> Response:
        """Store the change for all nodes; they apply it to the caller's sockets, and say so."""
        with begin(self._tracer, spans.UPDATE_SERVICES) as span, span.active():
            try:
                stored = await self._change(request)
            except RealtimeError as error:
                span.refuse(error)
                return error_response(error)
            span.end(STORED, count=len(stored.services))
        return json_response(
            {
                "version": stored.version,
                "services": sorted(stored.services),
                "propertyId": stored.property_id,
            }
        )

    async def _change(self, request: Request) -> Subscription:
        claims = await self._callers.of(request)
        body = await read_body(request, UpdateServices, self._body_limits)
        change = wanted_change(body, claims, max_services=self._max_services)
        return await self._store.change(claims.org, claims.sub, change)


def wanted_change(body: UpdateServices, claims: Claims, *, max_services: int) -> SubscriptionChange:
    """Return the change that a body asks for.

    Raises:
        Forbidden: If the caller's token does not allow it.
        InvalidBody: If it asks for too many services.
    """
    if claims.services is not None and not claims.services:
        raise Forbidden("the token lists no service")
    services = frozenset(cast("list[Service]", body.services))
    if len(services) > max_services:
        raise InvalidBody(
            f"services: {len(services)} asked for, at most {max_services} are allowed"
        )
    check_allowed(services, body.propertyId, claims=claims)
    return SubscriptionChange(
        services=services,
        property_id=body.propertyId,
        sets_property="propertyId" in body.model_fields_set,
        connection_id=body.connectionId,
        if_version=body.ifVersion,
        request_id=body.requestId,
    )
