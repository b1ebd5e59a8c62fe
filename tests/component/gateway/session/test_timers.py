"""Heartbeats, expiry and silence, in time that a test moves by hand."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from fanwire.errors import Forbidden
from gateway.connection.limits import CLOSE_GRACE_MS
from gateway.connection.phases import SessionInput
from gateway.websocket.header import Opcode
from tests.support import client_frames
from tests.support.gateway_stage import GatewayStage
from tests.support.gateway_values import TASKS_OF_ACME, a_plain_chain, at, some_claims
from tests.support.loopback import Client
from tests.support.server_frames import close_code, messages, split_frames

PONG = client_frames.client_frame(Opcode.PONG)


class TimersClock:
    """The monotonic clock and the wall clock, moved together."""

    def __init__(self) -> None:
        self.at_ms = 1_000_000.0
        self.wall_ahead_ms = 1.7e12

    def now_ms(self) -> float:
        return self.at_ms

    def wall_ms(self) -> float:
        return self.at_ms + self.wall_ahead_ms


class TimersStage(GatewayStage):
    def __init__(self, clock: TimersClock) -> None:
        super().__init__()
        self.clock = clock
        self.feed.fresh_ms = clock.now_ms()

    def greeted(self, *, lives_ms: float = 1e9) -> Client:
        """Return a live client whose token lives so long from now."""
        client = self.client(some_claims(exp_ms=int(self.clock.wall_ms() + lives_ms)))
        client.connection.advance(SessionInput.HELLO)
        self.timers.renew(client.connection)
        return client

    async def pass_time(self, ms: float) -> None:
        """Let time pass in small steps, and the loop with it."""
        end_ms = self.clock.at_ms + ms
        while self.clock.at_ms < end_ms:
            self.clock.at_ms = min(end_ms, self.clock.at_ms + 250)
            for _ in range(3):
                await asyncio.sleep(0)


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TimersStage]:
    clock = TimersClock()
    monkeypatch.setattr("gateway.session.timers.now_ms", clock.now_ms)
    monkeypatch.setattr("gateway.session.timers.wall_ms", clock.wall_ms)
    monkeypatch.setattr("gateway.session.messages.now_ms", clock.now_ms)
    monkeypatch.setattr("gateway.delivery.live_feed.now_ms", clock.now_ms)
    stage = TimersStage(clock)
    monkeypatch.setattr("gateway.session.timers.TICK_MS", 0)  # the loop looks at every turn
    async with asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(stage.timers.run())
        yield stage
        loop.cancel()


async def test_a_socket_gets_a_heartbeat_and_a_ping_with_every_beat(stage: TimersStage) -> None:
    client = stage.greeted()
    for _ in range(3):
        await stage.pass_time(14_500)
        assert client.transport.received() == b""
        await stage.pass_time(500)
        opcodes = [opcode for opcode, _ in split_frames(client.transport.received())]
        assert opcodes == [Opcode.TEXT, Opcode.PING]
        client.connection.data_received(PONG)


async def test_B49_a_client_that_only_answers_pings_stays(stage: TimersStage) -> None:
    client = stage.greeted()
    for _ in range(20):
        await stage.pass_time(15_500)
        client.transport.received()
        client.connection.data_received(PONG)
    assert client.connection.is_open


async def test_B63_a_client_that_answers_nothing_is_dropped_in_forty_seconds(
    stage: TimersStage,
) -> None:
    client = stage.greeted()
    await stage.pass_time(34_000)
    assert client.connection.is_open
    await stage.pass_time(2_000)
    assert client.transport.is_aborted
    assert len(stage.registry) == 0


async def test_F37_a_token_that_expires_on_a_live_socket_closes_it(stage: TimersStage) -> None:
    client = stage.greeted(lives_ms=20_000)
    await stage.pass_time(24_500)
    assert client.connection.is_open, "within the leeway"
    await stage.pass_time(1_000)
    written = client.transport.received()
    assert close_code(written) == 4401
    assert messages(written)[-1]["message"] == "the token is not accepted"


async def test_a_fresh_token_moves_the_expiry(stage: TimersStage) -> None:
    client = stage.greeted(lives_ms=10_000)
    client.connection.claims = some_claims()
    stage.timers.renew(client.connection)
    await stage.pass_time(20_000)
    assert client.connection.is_open


async def test_F38_a_wall_clock_that_is_set_right_is_heeded(stage: TimersStage) -> None:
    client = stage.greeted(lives_ms=3_600_000)
    stage.clock.wall_ahead_ms += 7_200_000
    await stage.pass_time(16_000)
    assert close_code(client.transport.received()) == 4401


async def test_a_close_that_the_client_does_not_answer_ends_after_a_grace(
    stage: TimersStage,
) -> None:
    client = stage.greeted()
    client.connection.close(Forbidden("revoked"))
    await stage.pass_time(CLOSE_GRACE_MS - 500)
    assert not client.transport.is_aborted
    await stage.pass_time(1_000)
    assert client.transport.is_aborted


async def test_a_heartbeat_names_the_heads_that_moved_since_the_last_one(
    stage: TimersStage,
) -> None:
    client = stage.client()
    await stage.join(client, "tasks", "users")
    held = stage.hub.get(TASKS_OF_ACME)
    assert held is not None
    await stage.pass_time(60_000)
    held.deliver(a_plain_chain(2), now_ms=stage.clock.now_ms())
    client.transport.received_in_full()
    stage.timers.beat(client.connection)
    [heartbeat] = client.messages()
    assert heartbeat["positions"] == {"tasks": str(at(2))}
    await stage.pass_time(20_000)
    stage.timers.beat(client.connection)
    assert client.messages()[-1]["positions"] == {"tasks": str(at(2))}, "a beat may come late"
    await stage.pass_time(20_000)
    stage.timers.beat(client.connection)
    assert client.messages()[-1]["positions"] == {}


async def test_F24_heartbeats_say_when_redis_has_not_answered_for_long(stage: TimersStage) -> None:
    client = stage.greeted()
    stage.timers.beat(client.connection)
    assert "stale" not in client.messages()[-1]
    await stage.pass_time(16_000)
    stage.timers.beat(client.connection)
    assert client.messages()[-1]["stale"] is True


async def test_before_hello_there_is_no_heartbeat(stage: TimersStage) -> None:
    client = stage.client()
    stage.timers.beat(client.connection)
    assert client.messages() == []
