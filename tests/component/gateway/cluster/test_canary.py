"""When a gateway publishes its canary, and what it takes for evidence."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast

import pytest

from fanwire.core.clock import now_ms
from fanwire.core.heartbeats import GatewayHeartbeat, encode_beat
from fanwire.core.ids import Org
from fanwire.core.keys import CANARY, Keys
from fanwire.core.position import ZERO, Position
from gateway.cluster.canary import Canary
from gateway.cluster.canary_topic import MAX_WAITING, CanaryTopic
from gateway.cluster.hearing import CanaryLimits, CanaryRings
from gateway.cluster.nodes import NodeList
from gateway.delivery.bell import Bell
from shared.redis.pipelined import RedisUnavailable, Reply
from shared.redis.scripts import Argument
from shared.redis.server_clock import ServerClock
from tests.support.gateway_stage import GatewayStage
from tests.support.waiting import eventually

QUICK: Final = CanaryLimits(period_ms=5.0)
KEYS: Final = Keys()


class OpenBell:
    """Listens at once, and notes when it is doubted."""

    doubts = 0

    async def listen(self, org: Org) -> None:
        assert org == CANARY.org

    def doubt(self) -> None:
        self.doubts += 1


class CanaryStage(GatewayStage):
    def __init__(self) -> None:
        super().__init__()
        self.bell, self.rings, self.waiting = OpenBell(), CanaryRings(now_ms=now_ms()), 0
        self.published: list[tuple[Argument, ...]] = []
        answer = self.trips._carry_out_one

        def carry_out(name: str, *arguments: Argument) -> Reply:
            if name == "XLEN":
                return self.waiting
            if name == "XADD":
                self.published.append(arguments)
                return b"1-1"
            return answer(name, *arguments)

        self.trips._carry_out_one = carry_out  # type: ignore[method-assign]
        bell = cast(Bell, self.bell)
        nodes = NodeList(self.trips, KEYS, ServerClock(), node="gw")
        topic = CanaryTopic(self.trips, KEYS, nodes)
        self.canary = Canary(topic, bell, self.feed, self.rings, QUICK)

    def peer(self, name: str, position: Position) -> None:
        """Let another node have told how far it heard."""
        beat = GatewayHeartbeat(at_ms=1, connections=0, canary_heard=position)
        self.trips.hashes[KEYS.gateway_nodes()][name] = encode_beat(beat)


@asynccontextmanager
async def running() -> AsyncIterator[CanaryStage]:
    stage = CanaryStage()
    async with asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(stage.canary.run())
        try:
            yield stage
        finally:
            loop.cancel()


async def test_who_hears_nobody_publishes() -> None:
    async with running() as stage:
        await eventually(lambda: len(stage.published) >= 2)
    key, entry_id, *_ = stage.published[0]
    assert (key, entry_id) == (KEYS.events(CANARY), "*")


async def test_nothing_piles_up_while_no_worker_takes_it() -> None:
    async with running() as stage:
        stage.waiting = MAX_WAITING
        await eventually(lambda: stage.trips.names().count("XLEN") >= 3)
    assert len(stage.published) <= 1


async def test_a_node_behind_most_of_its_peers_turns_deaf_and_well_again() -> None:
    async with running() as stage:
        for name in ("a", "b"):
            stage.peer(name, Position(1, 5))
        await eventually(lambda: stage.canary.is_deaf)
        stage.trips.hashes[KEYS.gateway_nodes()].clear()
        await eventually(lambda: not stage.canary.is_deaf)


async def test_P25_without_an_answer_nobody_turns_deaf() -> None:
    async with running() as stage:
        stage.peer("a", Position(1, 5))
        stage.trips.failure = RedisUnavailable("gone")
        await eventually(lambda: stage.trips.names().count("HGETALL") >= 20)
        assert not stage.canary.is_deaf


async def test_a_topic_that_moves_without_a_ring_shows_a_mute_bell() -> None:
    async with running() as stage:
        held = await eventually(lambda: stage.hub.get(CANARY))
        await asyncio.sleep(0)
        held.moved_ms += 20
        await eventually(lambda: stage.bell.doubts > 0)


def test_only_what_was_both_rung_and_read_counts_as_heard() -> None:
    stage = CanaryStage()
    stage.rings.rang(Position(1, 7), now_ms=now_ms())
    assert stage.canary.heard == ZERO, "nothing was read"


@pytest.mark.parametrize("beat", [b"{", b'{"atMs":1,"connections":0}'])
async def test_a_peer_that_tells_nothing_counts_for_nothing(beat: bytes) -> None:
    async with running() as stage:
        stage.peer("a", Position(1, 5))
        for name in ("b", "c", "d"):
            stage.trips.hashes[KEYS.gateway_nodes()][name] = beat
        await eventually(lambda: stage.canary.is_deaf)
