"""Who makes an HTTP call."""

from fastapi import Request

from fanwire.auth.claims import Claims
from fanwire.errors import Unauthorized
from gateway.auth.tokens import bearer_token, only_authorization
from gateway.cluster.org_watch import OrgWatch
from gateway.connection.counters import GatewayCounters
from gateway.edge.admission import Admission
from gateway.session.credentials import Credentials


class Callers:
    """Lets in who has a good token and keeps to its rate."""

    def __init__(
        self,
        credentials: Credentials,
        orgs: OrgWatch,
        admission: Admission,
        counters: GatewayCounters,
    ) -> None:
        self._credentials = credentials
        self._orgs = orgs
        self._admission = admission
        self._counters = counters

    async def of(self, request: Request) -> Claims:
        """Return who calls; raises Unauthorized, RateLimited, RedisUnavailable."""
        try:
            claims = self._claims(request)
        except Unauthorized as error:
            self._counters.judge(error)
            raise
        await self._orgs.know(claims)
        self._admission.check_request(claims)
        return claims

    def _claims(self, request: Request) -> Claims:
        token = bearer_token(only_authorization(request.headers.getlist("authorization")))
        if token is None:
            raise Unauthorized("no Bearer token")
        return self._credentials.claims_of(token)
