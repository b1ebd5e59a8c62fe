"""`/metrics` and `/metrics/orgs` of the internal port, for Prometheus."""

from typing import Final

from fastapi import APIRouter, Request, Response

from gateway.gateway import Gateway
from gateway.telemetry.org_metrics import org_text
from shared.telemetry.setup import CONTENT_TYPE

router: Final = APIRouter()


# Not `async`: the text takes some milliseconds, which a thread spares the sockets.
@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Return every metric of this process."""
    gateway: Gateway = request.app.state.gateway
    return Response(gateway.signals.telemetry.prometheus_text(), media_type=CONTENT_TYPE)


@router.get("/metrics/orgs")
def org_metrics(request: Request) -> Response:
    """Return what the largest orgs have here."""
    gateway: Gateway = request.app.state.gateway
    return Response(org_text(gateway), media_type=CONTENT_TYPE)
