"""Gives sockets away while this gateway has more than its share of them.

It looks at the heartbeats of all gateways now and then, asks the policy, and dismisses sockets
chosen at random, each in its own slot until the next look.
"""

import asyncio
import random
from typing import Final

from redis.exceptions import RedisError

from fanwire.core.clock import now_ms
from fanwire.core.heartbeats import GatewayHeartbeat
from fanwire.errors import RealtimeError
from gateway.cluster.dismissal import dismiss
from gateway.cluster.drain_plan import departures_ms
from gateway.cluster.nodes import NodeList
from gateway.cluster.rebalance import Hold, Peer, Rebalance, RebalanceLimits, Shed
from gateway.connection.connection import Connection
from gateway.connection.phases import SessionPhase
from gateway.connection.registry import ConnectionRegistry
from gateway.edge.admission import Admission
from shared.logs import logger

log = logger()

LONGEST_INTERVAL_MS: Final = 10_000
"""Several looks within the window by default, so that each can correct the last."""


class Rebalancer:
    """Looks while `run` is running."""

    def __init__(
        self,
        nodes: NodeList,
        registry: ConnectionRegistry,
        admission: Admission,
        limits: RebalanceLimits,
    ) -> None:
        self._nodes = nodes
        self._registry = registry
        self._admission = admission
        self._policy = Rebalance(limits)
        self._interval_ms = min(LONGEST_INTERVAL_MS, limits.window_ms / 2)
        self._last: Hold | None = None

    async def run(self) -> None:
        """Look until cancelled; a gateway that leaves gives all its sockets away by itself."""
        while not self._admission.is_draining:
            verdict = await self._look()
            if isinstance(verdict, Shed):
                await self._give_away(verdict.count)
            else:
                await asyncio.sleep(self._interval_ms / 1000)

    async def _look(self) -> Shed | Hold:
        try:
            peers = await self._peers()
        except (RealtimeError, RedisError, OSError) as error:
            log.warning("rebalance.not_looked", cause=str(error))
            return Hold.SILENT
        own = len(self._registry)
        verdict = self._policy.judge(own, peers, interval_ms=self._interval_ms, now_ms=now_ms())
        self._log(verdict, own, peers)
        return verdict

    async def _peers(self) -> list[Peer]:
        return [_peer(node, beat) for node, beat in (await self._nodes.peers()).items()]

    async def _give_away(self, count: int) -> None:
        live = [each for each in self._registry if each.phase is SessionPhase.LIVE]
        chosen: list[Connection] = random.sample(live, min(count, len(live)))
        start_ms = now_ms()
        moments = departures_ms(len(chosen), window_ms=self._interval_ms, chance=random.random)
        for connection, at_ms in zip(chosen, moments, strict=True):
            await asyncio.sleep(max(0.0, start_ms + at_ms - now_ms()) / 1000)
            if self._admission.is_draining:
                return  # it has a slot in the drain, after the notice
            dismiss(connection, "another gateway has more room")
        await asyncio.sleep(max(0.0, start_ms + self._interval_ms - now_ms()) / 1000)

    def _log(self, verdict: Shed | Hold, own: int, peers: list[Peer]) -> None:
        if isinstance(verdict, Shed):
            others = {peer.node: peer.connections for peer in peers}
            log.info("rebalance.shed", count=verdict.count, connections=own, others=others)
            self._last = None
        elif verdict is not self._last:
            log.info("rebalance.held", reason=verdict.value, connections=own)
            self._last = verdict


def _peer(node: str, beat: GatewayHeartbeat) -> Peer:
    return Peer(
        node=node,
        beat_ms=beat.at_ms,
        up_ms=beat.up_ms or 0,
        connections=beat.connections,
        is_ready=not beat.draining,
    )
