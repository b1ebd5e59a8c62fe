"""Giving sockets away, in slots, to gateways that have room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from fanwire.core.heartbeats import GatewayHeartbeat, encode_beat
from fanwire.core.keys import Keys
from gateway.cluster.nodes import NodeList
from gateway.cluster.rebalance import RebalanceLimits
from gateway.cluster.rebalancer import Rebalancer
from gateway.connection.phases import SessionInput
from gateway.connection.rate_limit import RateLimit
from gateway.edge.admission import Admission, AdmissionLimits
from shared.redis.pipelined import RedisUnavailable
from shared.redis.server_clock import ServerClock
from tests.support.gateway_stage import GatewayStage
from tests.support.loopback import Client
from tests.support.server_frames import close_code, messages
from tests.support.waiting import eventually

NODES = Keys().gateway_nodes()
RATE = RateLimit(per_s=10, burst=100)
# Quick, and still with every rule: looks every 5 ms, settled after 10.
LIMITS = RebalanceLimits(window_ms=10, per_s=10_000, fewest=10, silent_ms=1_000)


class RebalancerStage(GatewayStage):
    def __init__(self, sockets: int) -> None:
        super().__init__()
        limits = AdmissionLimits(100, 100, 100, None, RATE, RATE)
        self.admission = Admission(limits, self.registry)
        nodes = NodeList(self.trips, Keys(), ServerClock(), node="gw")
        self.rebalancer = Rebalancer(nodes, self.registry, self.admission, LIMITS)
        self.clients = [self.client() for _ in range(sockets)]
        for client in self.clients:
            client.connection.advance(SessionInput.HELLO)
        self.beat_of("gw", connections=sockets)

    def beat_of(
        self, node: str, *, connections: int, at_ms: int = 1, up_ms: int = 0, draining: bool = False
    ) -> None:
        """Let a node have written its heartbeat."""
        beat = GatewayHeartbeat(at_ms, connections, up_ms=up_ms, draining=draining)
        self.trips.hashes[NODES][node] = encode_beat(beat)

    def ended(self) -> list[Client]:
        return [client for client in self.clients if not client.connection.is_open]


@asynccontextmanager
async def running(stage: RebalancerStage) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(stage.rebalancer.run())
        try:
            yield
        finally:
            loop.cancel()


@pytest.fixture(autouse=True)
def _short_settling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RebalanceLimits, "settling_ms", 10)


async def test_it_gives_sockets_away_down_to_its_share() -> None:
    stage = RebalancerStage(sockets=60)
    stage.beat_of("other", connections=20)
    async with running(stage):
        # Nobody arrives at the other one, so both together have 42 in the end.
        await eventually(lambda: len(stage.registry) == 22)
    moved = stage.ended()[0].transport.received()
    drain, error = messages(moved)
    assert drain["type"] == "drain"
    assert 0 <= drain["reconnectAfterMs"] < 1_000
    assert error["retryAfterMs"] == drain["reconnectAfterMs"]
    assert close_code(moved) == 1012


async def test_who_is_level_is_left_alone() -> None:
    stage = RebalancerStage(sockets=60)
    stage.beat_of("other", connections=55)
    with capture_logs() as logs:
        async with running(stage):
            await eventually(lambda: "it has its share" in str(logs))
    assert stage.ended() == []
    assert len(logs) == 2, "settling and level, each told once"


async def test_a_gateway_that_leaves_is_waited_for() -> None:
    stage = RebalancerStage(sockets=60)
    stage.beat_of("other", connections=0, draining=True)
    with capture_logs() as logs:
        async with running(stage):
            await eventually(lambda: "leaves or is not ready" in str(logs))
    assert stage.ended() == []


async def test_one_that_was_started_anew_under_its_name_has_to_settle_again() -> None:
    stage = RebalancerStage(sockets=60)
    stage.beat_of("other", connections=58, up_ms=100)
    with capture_logs() as logs:
        async with running(stage):
            await eventually(lambda: "it has its share" in str(logs))
            stage.beat_of("other", connections=58, up_ms=5, at_ms=2)
            await eventually(lambda: str(logs).count("the gateways have changed") == 2)


async def test_its_own_drain_comes_first() -> None:
    stage = RebalancerStage(sockets=60)
    stage.beat_of("other", connections=0)
    async with asyncio.timeout(2), asyncio.TaskGroup() as tasks:
        tasks.create_task(stage.rebalancer.run())  # and ends by itself
        await eventually(stage.ended, every_s=0)
        stage.admission.is_draining = True
        count = len(stage.ended())
    assert len(stage.ended()) == count


async def test_a_socket_that_is_still_joining_is_not_chosen() -> None:
    stage = RebalancerStage(sockets=30)
    joining = [stage.client() for _ in range(30)]
    stage.beat_of("other", connections=0)
    async with running(stage):
        await eventually(lambda: len(stage.ended()) == 30)
    assert all(client.connection.is_open for client in joining)


async def test_a_look_that_fails_is_made_again() -> None:
    stage = RebalancerStage(sockets=60)
    stage.beat_of("other", connections=20)
    stage.trips.failure = RedisUnavailable("away")
    with capture_logs() as logs:
        async with running(stage):
            await eventually(lambda: "rebalance.not_looked" in str(logs))
            stage.trips.failure = None
            await eventually(stage.ended)
