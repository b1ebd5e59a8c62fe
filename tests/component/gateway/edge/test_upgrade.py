"""Holds uvicorn's class to what the hand-over uses of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import pytest
import uvicorn
import uvloop

from gateway.edge.http_protocol import BoundedHttpProtocol
from gateway.edge.upgrade import EXTENSION
from shared.http_server import QuietServer
from tests.support.waiting import eventually

UPGRADE = (
    b"GET /v2/realtime/stream HTTP/1.1\r\n"
    b"Host: localhost\r\n"
    b"Connection: Upgrade\r\n"
    b"Upgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"\r\n"
)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Successor(asyncio.Protocol):
    """Takes the transport over, and notes what it is told."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.received = b""
        self.is_lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True


@dataclass
class UpgradeStage:
    """A uvicorn server whose application hands each socket over."""

    successors: list[Successor] = field(default_factory=list)
    refusals: list[Exception] = field(default_factory=list)
    may_accept: asyncio.Event = field(default_factory=asyncio.Event)
    may_hand_over: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    server: QuietServer = field(init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await self.may_accept.wait()
        await send({"type": "websocket.accept"})
        await self.may_hand_over.wait()
        successor = Successor()
        try:
            scope["extensions"][EXTENSION](successor)
        except ConnectionError as error:
            self.refusals.append(error)
        else:
            self.successors.append(successor)

    async def connect(self, *, sent: bytes = UPGRADE) -> "Raw":
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(sent)
        return Raw(reader, writer)

    async def handed_over(self) -> Successor:
        await eventually(lambda: bool(self.successors), every_s=0.001)
        return self.successors[-1]


class Raw:
    """A client that speaks bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def upgraded(self) -> bytes:
        """Return the head of the answer."""
        async with asyncio.timeout(5):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def leave(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()


@asynccontextmanager
async def running(*, is_open: bool = True) -> AsyncIterator[UpgradeStage]:
    stage = UpgradeStage()
    if is_open:
        stage.may_accept.set()
        stage.may_hand_over.set()
    config = uvicorn.Config(
        stage,
        host="127.0.0.1",
        port=0,
        http=BoundedHttpProtocol,
        ws="none",
        ws_ping_interval=0.02,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    stage.server = QuietServer(config)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stage.server.serve())
        await eventually(lambda: stage.server.started, every_s=0.001)
        stage.port = stage.server.servers[0].sockets[0].getsockname()[1]
        yield stage
        stage.server.should_exit = True


def test_uvicorn_is_of_the_version_that_these_tests_were_written_for() -> None:
    assert version("uvicorn").startswith("0.54.")


async def test_after_the_101_the_successor_has_the_transport() -> None:
    async with running() as stage:
        client = await stage.connect()
        head = await client.upgraded()
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        successor = await stage.handed_over()
        assert successor.transport is not None
        successor.transport.write(b"from the server")
        assert await client.reader.readexactly(15) == b"from the server"
        client.writer.write(b"from the client")
        await eventually(lambda: successor.received == b"from the client", every_s=0.001)
        await client.leave()
        await eventually(lambda: successor.is_lost, every_s=0.001)


async def test_frames_that_come_during_the_handshake_reach_the_successor() -> None:
    async with running(is_open=False) as stage:
        client = await stage.connect()
        await eventually(lambda: bool(stage.server.server_state.tasks), every_s=0.001)
        client.writer.write(b"early")
        await client.writer.drain()
        stage.may_accept.set()
        await client.upgraded()
        client.writer.write(b" and late")
        stage.may_hand_over.set()
        successor = await stage.handed_over()
        await eventually(lambda: successor.received == b"early and late", every_s=0.001)
        await client.leave()


async def test_uvicorn_forgets_the_connection_and_its_task() -> None:
    async with running() as stage:
        client = await stage.connect()
        successor = await stage.handed_over()
        state = stage.server.server_state
        await eventually(lambda: not state.connections and not state.tasks, every_s=0.001)
        assert not successor.is_lost
        await client.leave()


async def test_uvicorn_sends_no_pings_of_its_own_any_more() -> None:
    async with running() as stage:
        client = await stage.connect()
        await client.upgraded()
        successor = await stage.handed_over()
        assert successor.transport is not None
        await asyncio.sleep(0.06)  # three of its intervals
        successor.transport.write(b"ours")
        assert await client.reader.readexactly(4) == b"ours"
        await client.leave()


async def test_F23_uvicorns_shutdown_leaves_the_socket_alone() -> None:
    async with running() as stage:
        client = await stage.connect()
        await client.upgraded()
        successor = await stage.handed_over()
    assert not successor.is_lost
    assert successor.transport is not None
    successor.transport.write(b"still here")
    assert await client.reader.readexactly(10) == b"still here"
    successor.transport.close()
    assert await client.reader.read() == b""
    await client.leave()


async def test_a_client_that_leaves_during_the_handshake_is_not_handed_over() -> None:
    async with running(is_open=False) as stage:
        client = await stage.connect()
        await eventually(lambda: bool(stage.server.server_state.tasks), every_s=0.001)
        [protocol] = stage.server.server_state.connections
        stage.may_accept.set()
        await client.upgraded()
        protocol.transport.abort()
        stage.may_hand_over.set()
        await eventually(lambda: bool(stage.refusals), every_s=0.001)
        assert stage.successors == []
        await client.leave()


def test_it_is_the_same_on_the_loop_of_production() -> None:
    async def on_uvloop() -> None:
        await test_after_the_101_the_successor_has_the_transport()
        await test_frames_that_come_during_the_handshake_reach_the_successor()
        await test_F23_uvicorns_shutdown_leaves_the_socket_alone()

    uvloop.run(on_uvloop())


@pytest.mark.parametrize("upgrade", [UPGRADE.replace(b"13\r\n", b"8\r\n")])
async def test_a_handshake_that_is_no_websockets_is_refused_without_an_application(
    upgrade: bytes,
) -> None:
    async with running() as stage:
        client = await stage.connect(sent=upgrade)
        assert (await client.upgraded()).startswith(b"HTTP/1.1 4")
        assert stage.successors == []
        await client.leave()
