"""A gateway that knows one token, `good`, for the routes that are tested without it."""

from fanwire.auth.claims import Claims
from fanwire.errors import Unauthorized
from gateway.connection.rate_limit import RateLimit
from gateway.connection.registry import ConnectionRegistry
from gateway.edge.admission import Admission, AdmissionLimits
from gateway.routes.caller import Callers
from gateway.telemetry.telemetry import GatewayTelemetry


class OneToken:
    """Accepts the token `good`."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims

    def claims_of(self, token: str) -> Claims:
        """Return the claims of `good`; raises Unauthorized."""
        if token != "good":
            raise Unauthorized("another token")
        return self._claims


class EveryOrgKnown:
    """Has nothing to learn of an org."""

    async def know(self, claims: Claims) -> None:
        """Return at once."""


def callers_with(claims: Claims, signals: GatewayTelemetry, *, burst: int = 100) -> Callers:
    """Return callers who say `good`, each with `burst` requests that come back slowly."""
    rate = RateLimit(per_s=0.001, burst=burst)
    limits = AdmissionLimits(100, 100, 100, None, connects_per_user=rate, requests_per_user=rate)
    return Callers(
        OneToken(claims),  # type: ignore[arg-type]
        EveryOrgKnown(),  # type: ignore[arg-type]
        Admission(limits, ConnectionRegistry()),
        signals.counters,
    )
