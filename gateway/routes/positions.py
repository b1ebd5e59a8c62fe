"""`GET /v2/realtime/positions`: where topics stand, before their state is fetched.

Position first, then fetch, then subscribe from the position: what happens in between comes as
replay, so a page that begins with a fetch misses nothing.
"""

import asyncio
from typing import Final

from fastapi import Request, Response

from fanwire.core.keys import Topic
from fanwire.core.position import ZERO
from fanwire.errors import RealtimeError
from gateway.cluster.org_watch import OrgWatch
from gateway.delivery.replay_log import ReplayLog
from gateway.routes.answers import error_response, json_response
from gateway.routes.caller import Callers
from gateway.session.stream_request import parse_stream_query

PATH: Final = "/v2/realtime/positions"


class Positions:
    """The route."""

    def __init__(
        self, callers: Callers, orgs: OrgWatch, replay_log: ReplayLog, *, max_services: int
    ) -> None:
        self._callers = callers
        self._orgs = orgs
        self._log = replay_log
        self._max_services = max_services

    async def answer(self, request: Request) -> Response:
        """Return `{positions: {service: position}}` of the services asked for."""
        try:
            return json_response({"positions": await self._positions(request)})
        except RealtimeError as error:
            return error_response(error)

    async def _positions(self, request: Request) -> dict[str, str]:
        claims = await self._callers.of(request)
        # A browser tells its page nothing of a refused upgrade, so the page asks here.
        self._orgs.refuse_if_off(claims.org)
        wanted = parse_stream_query(
            request.query_params.multi_items(), claims=claims, max_services=self._max_services
        )
        services = sorted(wanted.services)
        heads = await asyncio.gather(
            *(self._log.head(Topic(claims.org, service)) for service in services)
        )
        found = zip(services, heads, strict=True)
        return {s: str(ZERO if head is None else head.last) for s, head in found}
