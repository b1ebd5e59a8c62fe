"""`POST /telemetry/client`: how delivery looks from where it matters, the user's browser.

Unknown fields are ignored, since a newer SDK must be able to report to an older gateway. So are
services that the token does not list: a report is no way to make up labels of a metric.
"""

from typing import Annotated, Final

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from fanwire.auth.claims import Claims
from fanwire.core.ids import is_valid_id
from fanwire.errors import RealtimeError
from gateway.edge.request_body import BodyLimits, read_body
from gateway.routes.answers import error_response
from gateway.routes.caller import Callers
from gateway.telemetry.client_health import ClientHealth, ServiceDelivery
from gateway.telemetry.histograms import Histograms

PATH: Final = "/telemetry/client"
MAX_SERVICES: Final = 32
"""GATEWAY_MAX_SERVICES by default: a page has no more."""

MAX_BODY_BYTES: Final = 16 * 1024
"""Half a kilobyte for each of them."""

_Count = Annotated[int, Field(ge=0, le=10_000_000)]
"""No page delivers so much between two reports; the sum of many stays far from any limit."""

_LatencyMs = Annotated[float, Field(ge=0, le=86_400_000, allow_inf_nan=False)]
"""A day: beyond it a clock is wrong, not a network."""


class ServiceReport(BaseModel):
    """One service: counts since the last report, and the p95 of the latest events."""

    model_config = ConfigDict(extra="ignore", strict=True)

    delivered: _Count = 0
    suppressed: _Count = 0
    reconnects: _Count = 0
    gaps: _Count = 0
    p95LatencyMs: _LatencyMs | None = None  # noqa: N815 (the wire's spelling)


class ClientReport(BaseModel):
    """The body."""

    model_config = ConfigDict(extra="ignore", strict=True)

    services: Annotated[dict[str, ServiceReport], Field(max_length=MAX_SERVICES)]


class ClientTelemetry:
    """The route."""

    def __init__(
        self,
        callers: Callers,
        health: ClientHealth,
        histograms: Histograms,
        *,
        body_timeout_ms: int,
    ) -> None:
        self._callers = callers
        self._health = health
        self._histograms = histograms
        self._body_limits = BodyLimits(MAX_BODY_BYTES, body_timeout_ms)

    async def answer(self, request: Request) -> Response:
        """Add a client's report to this gateway's sums."""
        try:
            claims = await self._callers.of(request)
            report = await read_body(request, ClientReport, self._body_limits)
        except RealtimeError as error:
            return error_response(error)
        deliveries = _deliveries(report, claims)
        self._health.record(deliveries)
        self._histograms.reported(deliveries)
        return Response(status_code=204)


def _deliveries(report: ClientReport, claims: Claims) -> dict[str, ServiceDelivery]:
    return {
        service: ServiceDelivery(
            delivered_count=row.delivered,
            suppressed_count=row.suppressed,
            reconnect_count=row.reconnects,
            gap_count=row.gaps,
            p95_latency_ms=row.p95LatencyMs,
        )
        for service, row in report.services.items()
        if is_valid_id(service) and claims.may_receive(service)
    }
