"""`/metrics` and `/metrics/orgs` of the internal port, for Prometheus."""

from fastapi import Response

from gateway.telemetry.org_metrics import OrgCollector, org_text
from shared.telemetry.setup import CONTENT_TYPE, Telemetry


class MetricPages:
    """The routes. Not `async`: a text takes milliseconds, which a thread spares the sockets."""

    def __init__(self, telemetry: Telemetry, orgs: OrgCollector) -> None:
        self._telemetry = telemetry
        self._orgs = orgs

    def all(self) -> Response:
        """Return every metric of this process."""
        return Response(self._telemetry.prometheus_text(), media_type=CONTENT_TYPE)

    def of_orgs(self) -> Response:
        """Return what the largest orgs have here."""
        return Response(org_text(self._orgs), media_type=CONTENT_TYPE)
