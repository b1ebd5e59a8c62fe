"""`/livez`, `/readyz` and `/drain`, on a port that clients cannot reach.

Alive means that this process answers; Redis has no part in it, or its outage would have every
gateway restarted. Ready means that new clients are welcome: not while draining, not before Redis
was reached once, and not while this node is deaf and most others hear (cluster/canary.py). An
outage of Redis leaves a gateway ready, since its sockets are better kept than moved to neighbours
that cannot reach Redis either.
"""

from typing import Final

from fastapi import APIRouter, Request, Response

from gateway.gateway import Gateway
from gateway.routes.answers import json_response
from shared.runtime import now_ms

NOT_FROM_A_PAGE: Final = {
    "name": "forbidden",
    "message": "a web page must not drain a gateway",
    "remedy": "Call it without an Origin header, as curl and `fanwire drain` do.",
}

router = APIRouter()


@router.get("/livez")
async def livez() -> Response:
    """Return 200 as long as the event loop turns."""
    return json_response({"alive": True})


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """Return 200 if new clients are welcome, else 503, and why."""
    gateway: Gateway = request.app.state.gateway
    state = _drain_state(gateway)
    is_ready = not (state["draining"] or gateway.canary.is_deaf)
    return json_response(
        {
            "ready": is_ready,
            **state,
            "deaf": gateway.canary.is_deaf,
            "canaryAgeMs": int(gateway.canary.age_ms),
            "topics": len(gateway.hub),
            "redisAnsweredMsAgo": int(now_ms() - gateway.feed.fresh_ms),
        },
        status=200 if is_ready else 503,
    )


@router.post("/drain")
async def drain(request: Request, *, wait: bool = False) -> Response:
    """Begin to move every socket away; the process runs on until it gets a signal.

    Return 202 and how far it has come, or with `wait` 200 when the last socket is gone.
    """
    if "origin" in request.headers:
        # A page may post to any address that its browser reaches, such as a developer's own.
        return json_response(NOT_FROM_A_PAGE, status=403)
    gateway: Gateway = request.app.state.gateway
    gateway.drainer.begin()
    if wait:
        await gateway.drainer.drain()
    state = _drain_state(gateway)
    return json_response(state, status=200 if state["drained"] else 202)


def _drain_state(gateway: Gateway) -> dict[str, object]:
    state = gateway.drainer.state
    return {
        "node": gateway.profile.node,
        "draining": state.is_begun,
        "drained": state.is_finished,
        "connections": state.connection_count,
    }
