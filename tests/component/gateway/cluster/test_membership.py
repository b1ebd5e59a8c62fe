"""A gateway's place among the others, and the clearing up after one that is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from fanwire.core.clock import wall_ms
from fanwire.core.connection_ids import connection_field
from fanwire.core.heartbeats import GatewayHeartbeat, decode_beat, encode_beat
from fanwire.core.keys import Keys
from fanwire.core.subscription import decode_subscription
from gateway.cluster.membership import Membership
from gateway.cluster.nodes import NodeList
from shared.redis.pipelined import RedisUnavailable
from shared.redis.server_clock import ServerClock
from tests.support.gateway_stage import GatewayStage
from tests.support.gateway_values import ACME
from tests.support.loopback import Client
from tests.support.waiting import eventually

NODES: Final = Keys().gateway_nodes()
SUBS: Final = Keys().subs(ACME)


class MembershipStage(GatewayStage):
    def __init__(self) -> None:
        super().__init__()
        nodes = NodeList(self.trips, Keys(), ServerClock(), node="gw")
        self.membership = Membership(nodes, self.registry, self.store, self.heartbeat)

    def heartbeat(self) -> GatewayHeartbeat:
        return GatewayHeartbeat(at_ms=int(wall_ms()), connections=len(self.registry), lane_bytes=7)

    def beat_of(self, node: str, *, ago_ms: int) -> None:
        """Let another node have beaten so long ago."""
        beat = GatewayHeartbeat(at_ms=int(wall_ms()) - ago_ms, connections=1)
        self.trips.hashes[NODES][node] = encode_beat(beat)


@asynccontextmanager
async def running() -> AsyncIterator[MembershipStage]:
    stage = MembershipStage()
    async with asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(stage.membership.run())
        try:
            yield stage
        finally:
            loop.cancel()


def field_of(client: Client) -> str:
    return connection_field(client.connection.claims.sub, client.connection.id)


@pytest.fixture(autouse=True)
def _quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.cluster.membership.BEAT_S", 0.001)


async def test_a_gateway_is_on_the_list_with_its_sockets_until_it_leaves() -> None:
    async with running() as stage:
        stage.client()
        await eventually(lambda: "gw" in stage.trips.hashes[NODES])
        beat = decode_beat(GatewayHeartbeat, stage.trips.hashes[NODES]["gw"])
        assert beat is not None
        assert (beat.connections, beat.lane_bytes) == (1, 7)
    await stage.membership.leave()
    assert stage.trips.hashes[NODES] == {}


async def test_F17_a_server_that_forgot_everything_is_told_of_the_open_connections() -> None:
    async with running() as stage:
        client = stage.client()
        await stage.join(client, "tasks")
        await eventually(lambda: "gw" in stage.trips.hashes[NODES])
        stage.trips.hashes.clear()
        await eventually(lambda: field_of(client) in stage.trips.hashes[SUBS])


async def test_a_socket_that_joined_while_redis_was_full_gets_its_field_later() -> None:
    async with running() as stage:
        is_full = True

        def refuse_writes(command: tuple[object, ...]) -> None:
            refused = is_full and command[0] in {"HSETNX", "HSET"}
            stage.trips.failure = RedisUnavailable("OOM") if refused else None

        stage.trips.before = refuse_writes
        client = stage.client()
        await stage.join(client, "tasks")
        await eventually(lambda: stage.trips.names().count("HSET") > 3)
        assert field_of(client) not in stage.trips.hashes[SUBS]
        is_full = False
        await eventually(lambda: field_of(client) in stage.trips.hashes[SUBS])
        subscription = decode_subscription(stage.trips.hashes[SUBS][field_of(client)])
        assert subscription.version == 0
        assert subscription.services == {"tasks"}
        await eventually(lambda: not stage.store.doubtful)


async def test_the_fields_of_sockets_that_ended_during_an_outage_are_removed_after_it() -> None:
    async with running() as stage:
        gone, stays = stage.client(), stage.client()
        await stage.join(gone, "tasks")
        await stage.join(stays, "tasks")
        stage.trips.failure = RedisUnavailable("gone")
        gone.connection.abort()
        await eventually(lambda: ACME in stage.store.doubtful)
        assert field_of(gone) in stage.trips.hashes[SUBS]
        stage.trips.failure = None
        await eventually(lambda: field_of(gone) not in stage.trips.hashes[SUBS])
        assert field_of(stays) in stage.trips.hashes[SUBS]


async def test_what_an_earlier_life_of_this_node_left_is_cleared_away() -> None:
    async with running() as stage:
        client = stage.client()
        await stage.join(client, "tasks")
        fields = stage.trips.hashes[SUBS]
        fields["eve#gw~before"] = b"e"
        await eventually(lambda: "eve#gw~before" not in fields)
        assert field_of(client) in fields


async def test_F24_beats_go_on_after_an_outage() -> None:
    async with running() as stage:
        stage.trips.failure = RedisUnavailable("gone")
        await eventually(lambda: len(stage.trips.calls) > 2)
        assert stage.trips.hashes[NODES] == {}
        stage.trips.failure = None
        await eventually(lambda: "gw" in stage.trips.hashes[NODES])


async def test_leaving_a_server_that_is_gone_is_no_failure() -> None:
    stage = MembershipStage()
    stage.trips.failure = RedisUnavailable("gone")
    await stage.membership.leave()


async def test_F21_the_connections_of_a_node_that_fell_silent_are_cleared_away() -> None:
    async with running() as stage:
        await stage.join(stage.client(), "tasks")
        stage.beat_of("live", ago_ms=59_000)
        stage.beat_of("gone", ago_ms=61_000)
        fields = stage.trips.hashes[SUBS]
        fields |= {"demo": b"u", "demo#live~1": b"l", "demo#gone~1": b"g", "eve#never~1": b"n"}
        await eventually(lambda: "demo#gone~1" not in fields)
        assert fields.keys() == {"demo#gw~1", "demo", "demo#live~1"}
        await eventually(lambda: "gone" not in stage.trips.hashes[NODES])
        assert stage.trips.hashes[NODES].keys() == {"gw", "live"}


async def test_the_connections_of_a_node_that_started_meanwhile_are_kept() -> None:
    async with running() as stage:
        await stage.join(stage.client(), "tasks")
        fields = stage.trips.hashes[SUBS]

        def start_another(command: tuple[object, ...]) -> None:
            # In between the two reads, whichever comes first: it beats, then takes a socket.
            if command[0] in {"HKEYS", "HGETALL"} and "other" not in stage.trips.hashes[NODES]:
                asyncio.get_running_loop().call_soon(join_another)

        def join_another() -> None:
            stage.beat_of("other", ago_ms=0)
            fields["demo#other~1"] = b"o"

        stage.trips.before = start_another
        await eventually(lambda: stage.trips.names().count("HGETALL") > 1)
        assert "demo#other~1" in fields
        assert "HDEL" not in stage.trips.names()


async def test_a_node_whose_beat_cannot_be_read_keeps_its_connections() -> None:
    async with running() as stage:
        await stage.join(stage.client(), "tasks")
        stage.beat_of("gone", ago_ms=61_000)
        stage.trips.hashes[NODES]["newer"] = b'{"beat":7}'
        fields = stage.trips.hashes[SUBS]
        fields |= {"demo#newer~1": b"n", "demo#gone~1": b"g"}
        await eventually(lambda: "gone" not in stage.trips.hashes[NODES])
        assert "demo#newer~1" in fields
        assert "newer" in stage.trips.hashes[NODES]


async def test_B135_a_gateway_whose_clock_is_ahead_takes_no_neighbour_for_dead() -> None:
    async with running() as stage:
        stage.trips.behind_ms = 90_000
        await stage.join(stage.client(), "tasks")
        stage.beat_of("live", ago_ms=90_000)  # a moment ago by Redis' clock
        stage.beat_of("gone", ago_ms=151_000)
        fields = stage.trips.hashes[SUBS]
        fields |= {"demo#live~1": b"l", "demo#gone~1": b"g"}
        await eventually(lambda: "demo#gone~1" not in fields)
        assert "demo#live~1" in fields
        beat = decode_beat(GatewayHeartbeat, stage.trips.hashes[NODES]["gw"])
        assert beat is not None
        assert abs(wall_ms() - 90_000 - beat.at_ms) < 2_000
