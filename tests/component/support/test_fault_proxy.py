"""The fault proxy does what it says, or the tests that rely on it prove nothing."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.fault_proxy import FaultProxy
from tests.support.waiting import eventually

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while received := await reader.read(65_536):
            writer.write(received)
            await writer.drain()
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    """A proxy in front of an echo server."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    target: tuple[str, int] = server.sockets[0].getsockname()
    async with server, FaultProxy.between(("127.0.0.1", 0), target) as proxy:
        yield proxy


@contextlib.asynccontextmanager
async def connected(proxy: FaultProxy) -> AsyncIterator[Streams]:
    """A connection through the proxy that has carried a first byte."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(b"?")
        if await reader.read(1) != b"?":
            raise ConnectionResetError
        yield reader, writer
    finally:
        writer.close()


async def test_without_faults_bytes_pass_unchanged(proxy: FaultProxy) -> None:
    async with connected(proxy) as (reader, writer):
        sent = bytes(range(256)) * 1_000
        writer.write(sent)
        assert await reader.readexactly(len(sent)) == sent
        assert proxy.connection_count == 1
    await eventually(lambda: proxy.connection_count == 0)


async def test_a_delay_holds_both_directions(proxy: FaultProxy) -> None:
    async with connected(proxy) as (reader, writer):
        proxy.delay(20)
        before = time.monotonic()
        writer.write(b"x")
        assert await reader.read(1) == b"x"
        assert time.monotonic() - before >= 0.038


async def test_slices_arrive_torn_and_complete(proxy: FaultProxy) -> None:
    async with connected(proxy) as (reader, writer):
        proxy.slice(3)
        writer.write(b"0123456789")
        assert await reader.readexactly(10) == b"0123456789"


async def test_a_cut_is_an_end_of_file_and_a_new_connection_is_served(proxy: FaultProxy) -> None:
    async with connected(proxy) as (reader, _):
        proxy.cut()
        assert await reader.read(1) == b""
    async with connected(proxy):
        pass


async def test_a_reset_is_an_error(proxy: FaultProxy) -> None:
    async with connected(proxy) as (reader, _):
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            await reader.read(1)


async def test_a_frozen_connection_stays_open_and_loses_nothing(proxy: FaultProxy) -> None:
    async with connected(proxy) as (reader, writer):
        proxy.freeze()
        writer.write(b"late")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.03):
                await reader.read(1)
        proxy.heal()
        assert await reader.readexactly(4) == b"late"


async def test_refusing_ends_old_and_new_connections_until_healed(proxy: FaultProxy) -> None:
    async with connected(proxy) as (reader, _):
        proxy.refuse()
        assert await reader.read(1) == b""
    with pytest.raises(ConnectionError):
        async with connected(proxy):
            pass
    proxy.heal()
    async with connected(proxy):
        pass


async def test_a_limit_cuts_in_the_middle_of_a_reply(proxy: FaultProxy) -> None:
    async with connected(proxy) as (reader, writer):
        proxy.to_client.limit_bytes = 4
        writer.write(b"0123456789")
        assert await reader.read() == b"0123"


async def test_an_absent_target_is_a_refused_connection(tmp_path: Path) -> None:
    async with FaultProxy.between(("127.0.0.1", 0), tmp_path / "nobody.sock") as proxy:
        with pytest.raises(ConnectionError):
            async with connected(proxy):
                pass


async def test_it_listens_on_a_unix_socket_as_well(tmp_path: Path) -> None:
    target, front = tmp_path / "t", tmp_path / "f"
    server = await asyncio.start_unix_server(_echo, target)
    async with server, FaultProxy.between(front, target):
        reader, writer = await asyncio.open_unix_connection(front)
        writer.write(b"x")
        assert await reader.read(1) == b"x"
        writer.close()
