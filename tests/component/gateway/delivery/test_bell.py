"""Hearing every ring, through races and losses of the connection."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from fanwire.core.backoff import BackoffLimits
from fanwire.core.bell import BellMessage, TopicMoved
from fanwire.core.ids import Org, Service
from fanwire.core.keys import Keys
from fanwire.core.position import parse_position
from gateway.delivery.bell import PATIENCE_TURNS, Bell
from shared.redis.pipelined import RedisUnavailable
from tests.support.gateway_values import ACME
from tests.support.waiting import eventually

GLOBEX = Org("globex")
KEYS = Keys()


def moved(position: str) -> TopicMoved:
    return TopicMoved(Service("tasks"), parse_position(position))


class FakePubSub:
    """One connection: it confirms each subscription, unless told otherwise."""

    def __init__(self, server: "FakeBellServer") -> None:
        self._server = server
        self._inbox: asyncio.Queue[dict[str, Any] | Exception] = asyncio.Queue()
        self.channels: list[str] = []
        self.pings = 0
        self.is_closed = False

    async def ssubscribe(self, *channels: str) -> None:
        await self._server.before_subscribe()
        for channel in channels:
            self.channels.append(channel)
            if self._server.confirms:
                self.push("ssubscribe", channel, 1)

    async def get_message(self, timeout: float) -> dict[str, Any] | None:
        if self._server.is_silent and self._inbox.empty():
            await asyncio.sleep(0)
            return None
        item = await self._inbox.get()
        if isinstance(item, Exception):
            raise item
        return item

    async def ping(self) -> None:
        self.pings += 1
        if self._server.answers_pings:
            self._inbox.put_nowait({"type": "pong", "channel": None, "data": b""})

    async def aclose(self) -> None:
        self.is_closed = True

    def push(self, kind: str, channel: str, content: object) -> None:
        self._inbox.put_nowait({"type": kind, "channel": channel.encode(), "data": content})

    def ring(self, org: Org, message: bytes) -> None:
        self.push("smessage", KEYS.bell(org), message)

    def break_off(self) -> None:
        self._inbox.put_nowait(RedisConnectionError("reset by peer"))


class FakeBellServer:
    """Makes connections, and says how they behave."""

    def __init__(self) -> None:
        self.connections: list[FakePubSub] = []
        self.confirms = True
        self.is_silent = False
        self.answers_pings = True
        self.before_subscribe: Callable[[], Any] = _nothing

    def pubsub(self) -> FakePubSub:
        self.connections.append(FakePubSub(self))
        return self.connections[-1]


async def _nothing() -> None:
    await asyncio.sleep(0)


class Heard:
    """The listener: notes what it is told."""

    def __init__(self) -> None:
        self.rings: list[tuple[Org, BellMessage]] = []
        self.anew: list[Org] = []

    def rang(self, org: Org, message: BellMessage) -> None:
        self.rings.append((org, message))

    def listening(self, org: Org) -> None:
        self.anew.append(org)


class BellStage:
    def __init__(self) -> None:
        self.server = FakeBellServer()
        self.heard = Heard()
        self.bell = Bell(cast(Redis, self.server), KEYS, self.heard)

    @property
    def connection(self) -> FakePubSub:
        return self.server.connections[-1]

    async def until(self, condition: Callable[[], bool]) -> None:
        await eventually(condition, every_s=0)


@asynccontextmanager
async def running() -> AsyncIterator[BellStage]:
    stage = BellStage()
    async with asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(stage.bell.run())
        try:
            yield stage
        finally:
            loop.cancel()


@pytest.fixture(autouse=True)
def _no_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.delivery.bell.RECONNECT", BackoffLimits(first_ms=0))


async def test_a_bell_that_is_doubted_is_connected_anew() -> None:
    async with running() as stage:
        await stage.bell.listen(ACME)
        first = stage.connection
        stage.bell.doubt()
        first.push("pong", "", b"")  # it lives, and is replaced all the same
        await stage.until(lambda: stage.heard.anew == [ACME, ACME])
        assert stage.connection is not first
        assert first.is_closed
        stage.connection.ring(ACME, b"tasks 1-1")
        await stage.until(lambda: bool(stage.heard.rings))
        assert len(stage.server.connections) == 2, "once"


async def test_without_an_org_there_is_no_connection() -> None:
    async with running() as stage:
        for _ in range(5):
            await asyncio.sleep(0)
        assert stage.server.connections == []


async def test_who_listens_waits_for_the_servers_word_and_hears_every_ring_from_then_on() -> None:
    async with running() as stage:
        stage.server.confirms = False
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(stage.bell.listen(ACME))
            await stage.until(lambda: bool(stage.server.connections))
            await stage.until(lambda: bool(stage.connection.channels))
            await asyncio.sleep(0)
            assert not listening.done()
            assert not stage.bell.hears(ACME)
            stage.connection.push("ssubscribe", KEYS.bell(ACME), 1)
        assert stage.bell.hears(ACME)
        stage.connection.ring(ACME, b"tasks 1-1")
        await stage.until(lambda: stage.heard.rings == [(ACME, moved("1-1"))])
        assert stage.heard.anew == [ACME]


async def test_many_who_listen_to_one_org_share_a_subscription() -> None:
    async with running() as stage:
        await asyncio.gather(*(stage.bell.listen(ACME) for _ in range(9)))
        await stage.bell.listen(ACME)
        assert stage.connection.channels == [KEYS.bell(ACME)]


async def test_an_org_that_comes_while_the_connection_is_made_is_heard_too() -> None:
    async with running() as stage:
        late: list[asyncio.Task[None]] = []
        async with asyncio.TaskGroup() as tasks:

            async def come_late() -> None:
                if not late:
                    late.append(tasks.create_task(stage.bell.listen(GLOBEX)))
                for _ in range(5):
                    await asyncio.sleep(0)

            stage.server.before_subscribe = come_late
            async with asyncio.timeout(5):
                await stage.bell.listen(ACME)
                await stage.until(lambda: stage.bell.hears(GLOBEX))
        assert sorted(stage.connection.channels) == [KEYS.bell(ACME), KEYS.bell(GLOBEX)]


async def test_F10_after_a_loss_all_orgs_are_listened_to_anew() -> None:
    async with running() as stage:
        await asyncio.gather(stage.bell.listen(ACME), stage.bell.listen(GLOBEX))
        lost = stage.connection
        lost.break_off()
        await stage.until(lambda: sorted(stage.heard.anew) == [ACME, ACME, GLOBEX, GLOBEX])
        assert lost.is_closed
        assert stage.connection is not lost
        stage.connection.ring(GLOBEX, b"tasks 1-1")
        await stage.until(lambda: stage.heard.rings == [(GLOBEX, moved("1-1"))])


async def test_F10_a_subscription_that_fails_is_refused_and_asked_for_again_by_the_next() -> None:
    async with running() as stage:
        await stage.bell.listen(ACME)

        async def fail() -> None:
            raise RedisConnectionError("reset by peer")

        stage.server.before_subscribe = fail
        with pytest.raises(RedisUnavailable):
            await stage.bell.listen(GLOBEX)
        stage.server.before_subscribe = _nothing
        async with asyncio.timeout(5):
            await stage.bell.listen(GLOBEX)
        assert stage.bell.hears(GLOBEX)


async def test_F11_who_gives_up_in_the_middle_of_subscribing_does_not_leave_the_org_unheard() -> (
    None
):
    async with running() as stage:
        await stage.bell.listen(ACME)
        stage.server.before_subscribe = asyncio.Event().wait
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await stage.bell.listen(GLOBEX)
        stage.server.before_subscribe = _nothing
        async with asyncio.timeout(5):
            await stage.bell.listen(GLOBEX)
        assert stage.bell.hears(GLOBEX)


async def test_F7_a_server_that_does_not_answer_a_ping_is_left_for_a_new_connection() -> None:
    async with running() as stage:
        await stage.bell.listen(ACME)
        deaf = stage.connection
        stage.server.answers_pings = False
        stage.server.is_silent = True
        await asyncio.sleep(0)
        deaf.ring(ACME, b"tasks 1-1")  # wakes it from its wait
        await stage.until(lambda: len(stage.server.connections) > 1)
        assert deaf.is_closed
        assert deaf.pings == PATIENCE_TURNS


async def test_a_quiet_server_that_answers_is_kept() -> None:
    async with running() as stage:
        await stage.bell.listen(ACME)
        stage.server.is_silent = True
        stage.connection.ring(ACME, b"tasks 1-1")
        await stage.until(lambda: stage.connection.pings > 3 * PATIENCE_TURNS)
        assert len(stage.server.connections) == 1
        assert stage.heard.rings == [(ACME, moved("1-1"))]


async def test_a_ring_of_an_org_that_nobody_listens_to_is_ignored() -> None:
    async with running() as stage:
        await stage.bell.listen(ACME)
        stage.connection.ring(GLOBEX, b"tasks 1-1")
        stage.connection.push("sunsubscribe", KEYS.bell(ACME), 0)
        stage.connection.ring(ACME, b"tasks 1-2")
        await stage.until(lambda: bool(stage.heard.rings))
        assert stage.heard.rings == [(ACME, moved("1-2"))]


async def test_a_mistake_of_ours_is_not_taken_for_a_loss() -> None:
    stage = BellStage()

    def broken(org: Org, message: BellMessage) -> None:
        raise KeyError(message)

    stage.heard.rang = broken  # type: ignore[method-assign]
    running_bell = asyncio.gather(stage.bell.run(), return_exceptions=True)
    await stage.bell.listen(ACME)
    stage.connection.ring(ACME, b"tasks 1-1")
    [outcome] = await running_bell
    assert isinstance(outcome, KeyError)


async def test_what_this_version_does_not_understand_is_ignored() -> None:
    async with running() as stage:
        await stage.bell.listen(ACME)
        stage.connection.ring(ACME, b":newer than this")
        stage.connection.ring(ACME, b"\xff\xfe")
        stage.connection.ring(ACME, b"tasks 1-1")
        await stage.until(lambda: bool(stage.heard.rings))
        assert stage.heard.rings == [(ACME, moved("1-1"))]
