"""Leaves without anybody noticing.

First the balancer is told, by `/readyz`, and gets time to act on it. Then every socket is
told, in a slot of its own, when to come back elsewhere, and closed with 1012. The clients
resume where they were; the other nodes see a trickle of connects.

A signal and `POST /drain` begin the same drain, and the second finds it under way.
It belongs to `run` and not to the first who asked for it: an operator who hangs up must not
leave a gateway half empty. There is no way back; a node that left is started again.
"""

import asyncio
import random
from dataclasses import dataclass

from opentelemetry.trace import Tracer

from fanwire.core.clock import now_ms
from gateway.cluster.dismissal import dismiss
from gateway.cluster.drain_plan import departures_ms
from gateway.connection.registry import ConnectionRegistry
from gateway.edge.admission import Admission
from shared.logs import logger
from shared.telemetry import spans
from shared.telemetry.short_span import begin

log = logger()

LAST_CLOSES_S = 0.5
"""Round trips to the far side of the world, and part of what deploy/README.md reckons with."""

FINISHED = "finished"
WHY = "this gateway is leaving"


@dataclass(frozen=True, slots=True)
class DrainTimes:
    """How long a gateway takes to leave."""

    notice_ms: int
    """For balancers to see that it is not ready."""
    window_ms: int
    """Over which its sockets are moved."""


@dataclass(frozen=True, slots=True)
class DrainState:
    """How far a drain has come."""

    is_begun: bool
    is_finished: bool
    connection_count: int
    """Sockets that are still here."""


class Drainer:
    """Moves all sockets away, once; `run` must be running."""

    def __init__(
        self,
        registry: ConnectionRegistry,
        admission: Admission,
        times: DrainTimes,
        tracer: Tracer | None = None,
    ) -> None:
        self._registry = registry
        self._admission = admission
        self._times = times
        self._tracer = tracer
        self._begun = asyncio.Event()
        self._finished = asyncio.Event()

    @property
    def state(self) -> DrainState:
        """How far it has come."""
        return DrainState(self._begun.is_set(), self._finished.is_set(), len(self._registry))

    def begin(self) -> None:
        """Refuse newcomers from now on, and let `run` move those who are here."""
        self._admission.is_draining = True
        self._begun.set()

    async def drain(self) -> None:
        """Begin, and return when every socket was told and closed."""
        self.begin()
        await self._finished.wait()

    async def run(self) -> None:
        """Wait until a drain is wanted, and carry it out."""
        await self._begun.wait()
        if len(self._registry):
            with begin(self._tracer, spans.DRAIN) as span, span.active():
                span.end(FINISHED, count=await self._move_all())
        self._finished.set()

    async def _move_all(self) -> int:
        log.info("drain.started", connections=len(self._registry))
        await asyncio.sleep(self._times.notice_ms / 1000)
        start_ms = now_ms()
        connections = list(self._registry)
        random.shuffle(connections)
        moments = departures_ms(
            len(connections), window_ms=self._times.window_ms, chance=random.random
        )
        for connection, at_ms in zip(connections, moments, strict=True):
            await asyncio.sleep(max(0.0, start_ms + at_ms - now_ms()) / 1000)
            dismiss(connection, WHY)
        for connection in self._registry:  # let in before the drain, upgraded only since
            dismiss(connection, WHY)
        # Let the last close frames and the clients' answers pass.
        await asyncio.sleep(LAST_CLOSES_S)
        log.info("drain.finished", connections=len(connections))
        return len(connections)
