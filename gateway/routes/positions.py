"""`GET /v2/realtime/positions`: where topics stand, before their state is fetched.

Position first, then fetch, then subscribe from the position: what happens in between comes as
replay, so a page that begins with a fetch misses nothing.
"""

import asyncio

from fastapi import APIRouter, Request, Response

from fanwire.core.keys import Topic
from fanwire.core.position import ZERO
from fanwire.errors import RealtimeError
from gateway.flow_control.switches import switched_off
from gateway.gateway import Gateway
from gateway.routes.answers import caller, error_response, json_response
from gateway.session.stream_request import parse_stream_query

router = APIRouter()


@router.get("/v2/realtime/positions")
async def positions(request: Request) -> Response:
    """Return `{positions: {service: position}}` of the services asked for."""
    gateway: Gateway = request.app.state.gateway
    try:
        claims = await caller(request, gateway)
        await gateway.switches.open(claims.org)
        if gateway.switchboard.of(claims.org).emergency:
            # A browser tells its page nothing of a refused upgrade, so the page asks here.
            raise switched_off()
        wanted = parse_stream_query(
            request.query_params.multi_items(),
            claims=claims,
            max_services=gateway.settings.max_services,
        )
        services = sorted(wanted.services)
        heads = await asyncio.gather(
            *(gateway.replay_log.head(Topic(claims.org, service)) for service in services)
        )
    except RealtimeError as error:
        return error_response(error)
    found = zip(services, heads, strict=True)
    return json_response(
        {"positions": {s: str(ZERO if head is None else head.last) for s, head in found}}
    )
