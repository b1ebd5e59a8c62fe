"""`/livez` and `/readyz`, on a port that clients cannot reach.

Alive means that this process answers; Redis has no part in it, or its outage would have every
gateway restarted. Ready means that new clients are welcome: not while draining, and not before
Redis was reached once. A later outage leaves a gateway ready, since its sockets are better
kept than moved to neighbours that cannot reach Redis either.
"""

from fastapi import APIRouter, Request, Response

from gateway.gateway import Gateway
from gateway.routes.answers import json_response
from shared.runtime import now_ms

router = APIRouter()


@router.get("/livez")
async def livez() -> Response:
    """Return 200 as long as the event loop turns."""
    return json_response({"alive": True})


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Return 200 if new clients are welcome, else 503, and why."""
    gateway: Gateway = request.app.state.gateway
    is_ready = not gateway.admission.is_draining
    return json_response(
        {
            "ready": is_ready,
            "node": gateway.greeting.node,
            "draining": gateway.admission.is_draining,
            "connections": len(gateway.registry),
            "topics": len(gateway.hub),
            "redisAnsweredMsAgo": int(now_ms() - gateway.feed.fresh_ms),
        },
        status=200 if is_ready else 503,
    )
