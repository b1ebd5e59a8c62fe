"""`POST /v2/realtime/update-services`: change what open sockets get, without touching them."""

from typing import Annotated, Final, cast

from fastapi import APIRouter, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from fanwire.core.ids import Service, is_valid_id
from fanwire.errors import Forbidden, InvalidBody, RealtimeError
from gateway.auth.claims import Claims
from gateway.edge.request_body import read_body
from gateway.gateway import Gateway
from gateway.routes.answers import caller, error_response, json_response
from gateway.session.store import SubscriptionChange
from gateway.session.stream_request import check_allowed
from gateway.session.subscription import Subscription
from shared.telemetry import spans
from shared.telemetry.short_span import begin

router = APIRouter()

STORED: Final = "stored"
_MAX_TEXT = 128


def _valid_service(name: str) -> str:
    if not is_valid_id(name):
        raise ValueError("is not 1 to 63 of A-Z a-z 0-9 . _ -")
    return name


_Text = Annotated[str, StringConstraints(min_length=1, max_length=_MAX_TEXT)]
_ServiceName = Annotated[str, AfterValidator(_valid_service)]


class UpdateServices(BaseModel):
    """The body. An omitted `propertyId` leaves the filter as it is, null clears it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    services: Annotated[list[_ServiceName], Field(max_length=1_000)]
    propertyId: _Text | None = None  # noqa: N815 (the wire's spelling)
    connectionId: _Text | None = None  # noqa: N815
    ifVersion: Annotated[int, Field(ge=0)] | None = None  # noqa: N815
    requestId: _Text | None = None  # noqa: N815


@router.post("/v2/realtime/update-services")
async def update_services(request: Request) -> Response:
    """Store the change for all nodes; they apply it to the caller's sockets and say so there."""
    gateway: Gateway = request.app.state.gateway
    tracer = gateway.signals.telemetry.tracer
    with begin(tracer, spans.UPDATE_SERVICES) as span, span.active():
        try:
            stored = await _store(request, gateway)
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


async def _store(request: Request, gateway: Gateway) -> Subscription:
    claims = await caller(request, gateway)
    change = _change(await _body(request, gateway), claims, gateway)
    return await gateway.store.change(claims.org, claims.sub, change)


async def _body(request: Request, gateway: Gateway) -> UpdateServices:
    return await read_body(
        request,
        UpdateServices,
        max_bytes=gateway.settings.max_body_bytes,
        timeout_ms=gateway.settings.body_timeout_ms,
    )


def _change(body: UpdateServices, claims: Claims, gateway: Gateway) -> SubscriptionChange:
    if claims.services is not None and not claims.services:
        raise Forbidden("the token lists no service")
    services = frozenset(cast("list[Service]", body.services))
    if len(services) > gateway.settings.max_services:
        limit = gateway.settings.max_services
        raise InvalidBody(f"services: {len(services)} asked for, at most {limit} are allowed")
    check_allowed(services, body.propertyId, claims=claims)
    return SubscriptionChange(
        services=services,
        property_id=body.propertyId,
        sets_property="propertyId" in body.model_fields_set,
        connection_id=body.connectionId,
        if_version=body.ifVersion,
        request_id=body.requestId,
    )
