"""`/livez`, `/readyz` and `/drain`, on a port that clients cannot reach.

Alive means that this process answers; Redis has no part in it, or its outage would have every
gateway restarted. Ready means that new clients are welcome: not while draining, not without a key
to check their tokens with, and not while this node is deaf and most others hear
(cluster/canary.py). An outage of Redis leaves a gateway ready, since its sockets are better kept
than moved to neighbours that cannot reach Redis either.
"""

from collections.abc import Iterator
from typing import Final

from fastapi import Request, Response

from fanwire.core.clock import now_ms
from gateway.auth.tokens import TokenVerifier
from gateway.cluster.cluster import Cluster
from gateway.delivery.hub import Hub
from gateway.delivery.live_feed import LiveFeed
from gateway.routes.answers import json_response

NOT_FROM_A_PAGE: Final = {
    "name": "forbidden",
    "message": "a web page must not drain a gateway",
    "remedy": "Call it without an Origin header, as curl and `fanwire drain` do.",
}


class Internal:
    """The routes."""

    def __init__(
        self, cluster: Cluster, feed: LiveFeed, hub: Hub, verifier: TokenVerifier, *, node: str
    ) -> None:
        self._canary = cluster.canary
        self._drainer = cluster.drainer
        self._feed = feed
        self._hub = hub
        self._verifier = verifier
        self._node = node

    async def livez(self) -> Response:
        """Return 200 as long as the event loop turns."""
        return json_response({"alive": True})

    async def readyz(self) -> Response:
        """Return 200 if new clients are welcome, else 503, and why."""
        why_not = list(self._why_not_ready())
        return json_response(
            {
                "ready": not why_not,
                "why": why_not,
                **self._drain_state(),
                "deaf": self._canary.is_deaf,
                "canaryAgeMs": int(self._canary.age_ms),
                "topics": len(self._hub),
                "redisAnsweredMsAgo": int(now_ms() - self._feed.fresh_ms),
            },
            status=503 if why_not else 200,
        )

    async def drain(self, request: Request, *, wait: bool = False) -> Response:
        """Begin to move every socket away; the process runs on until it gets a signal.

        Return 202 and how far it has come, or with `wait` 200 when the last socket is gone.
        """
        if "origin" in request.headers:
            # A page may post to any address that its browser reaches, such as a developer's own.
            return json_response(NOT_FROM_A_PAGE, status=403)
        self._drainer.begin()
        if wait:
            await self._drainer.drain()
        state = self._drain_state()
        return json_response(state, status=200 if state["drained"] else 202)

    def _why_not_ready(self) -> Iterator[str]:
        if self._drainer.state.is_begun:
            yield "it is draining"
        if self._canary.is_deaf:
            yield "it does not hear what most gateways hear"
        if self._verifier.problem is not None:
            yield f"no token can be checked: {self._verifier.problem}"

    def _drain_state(self) -> dict[str, object]:
        state = self._drainer.state
        return {
            "node": self._node,
            "draining": state.is_begun,
            "drained": state.is_finished,
            "connections": state.connection_count,
        }
