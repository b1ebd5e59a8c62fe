"""Heads over a raw socket: every request of contract §5.1 that needs no token."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from fastapi import FastAPI

from gateway.edge import http_protocol as http_door
from gateway.edge.http_protocol import BoundedHttpProtocol
from gateway.routes import stream
from shared.http_server import QuietServer
from tests.support.waiting import eventually

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
VERSION = b"Sec-WebSocket-Version: 13"
HOST = b"Host: localhost"
UPGRADE = (b"Connection: Upgrade", b"Upgrade: websocket")
PATH = stream.PATH.encode()


def head(*lines: bytes, start: bytes = b"GET " + PATH + b" HTTP/1.1") -> bytes:
    return b"\r\n".join([start, *lines, b"", b""])


def upgrade(*lines: bytes, start: bytes = b"GET " + PATH + b" HTTP/1.1") -> bytes:
    return head(HOST, *UPGRADE, VERSION, KEY, *lines, start=start)


@asynccontextmanager
async def door() -> AsyncIterator[int]:
    """Serve the stream's path, and nothing behind it."""
    api = FastAPI()
    api.add_api_route(stream.PATH, stream.upgrade_required, methods=["GET"])
    server = QuietServer(
        uvicorn.Config(
            api, port=0, http=BoundedHttpProtocol, ws="none", lifespan="off", log_config=None
        )
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve())
        await eventually(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
        server.should_exit = True


async def answer_to(port: int, request: bytes) -> bytes:
    """Return all that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.read(), 4)
    finally:
        writer.close()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with door() as port:
        yield port


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(head(HOST, b"Connection: close"), 426, id="B1-no-upgrade"),
        pytest.param(
            head(HOST, b"Connection: close", b"Upgrade: websocket", VERSION, KEY),
            426,
            id="B2-connection-does-not-say-upgrade",
        ),
        pytest.param(upgrade(start=b"POST " + PATH + b" HTTP/1.1"), 405, id="B3-post"),
        pytest.param(upgrade(start=b"GET " + PATH + b" HTTP/1.0"), 400, id="B4-http-1.0"),
        pytest.param(head(HOST, *UPGRADE, VERSION), 400, id="B5-no-key"),
        pytest.param(
            head(HOST, *UPGRADE, VERSION, b"Sec-WebSocket-Key: c2hvcnQ="), 400, id="B5-short-key"
        ),
        pytest.param(upgrade(KEY), 400, id="B5-two-keys"),
        pytest.param(head(HOST, *UPGRADE, KEY), 426, id="B6-no-version"),
        pytest.param(
            head(HOST, *UPGRADE, KEY, b"Sec-WebSocket-Version: 8"), 426, id="B6-version-8"
        ),
        pytest.param(head(*UPGRADE, VERSION, KEY), 400, id="B7-no-host"),
        pytest.param(upgrade(b"Host: other"), 400, id="B7-two-hosts"),
        pytest.param(
            head(HOST, b"Connection: close", start=b"GET /nothing HTTP/1.1"), 404, id="B8-path"
        ),
        pytest.param(head(HOST, start=b"GET /a\x00b HTTP/1.1"), 400, id="B9-nul"),
        pytest.param(
            upgrade(start=b"GET " + PATH + b"?q=" + b"x" * 20_000 + b" HTTP/1.1"),
            414,
            id="B10-long-query",
        ),
        pytest.param(upgrade(b"X: " + b"y" * 70_000), 431, id="B11-long-header"),
        pytest.param(upgrade(*(b"X-%d: y" % i for i in range(200))), 431, id="B12-many-headers"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, id="B13-client-hello"),
        pytest.param(upgrade(b"Content-Length: 5") + b"hello", 400, id="B14-content-length"),
        pytest.param(upgrade(b"Content-Length: 0, 5") + b"hello", 400, id="B14-two-lengths"),
        pytest.param(upgrade(b"Transfer-Encoding: chunked"), 400, id="B14-chunked"),
    ],
)
async def test_a_head_out_of_form_is_answered_and_the_connection_closed(
    port: int, request_bytes: bytes, status: int
) -> None:
    answer = await answer_to(port, request_bytes)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert (b"sec-websocket-version: 13" in answer) == (b"Version must be 13" in answer)


async def test_a_header_without_an_end_is_refused_before_it_ends(port: int) -> None:
    answer = await answer_to(port, upgrade()[:-2] + b"X: " + b"y" * 70_000)
    assert answer.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"", id="B15-idle"),
        pytest.param(b"GET /v2/real", id="B15-half-line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nX-Sl", id="B15-half-header"),
    ],
)
async def test_a_head_that_does_not_come_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    monkeypatch.setattr(http_door, "HEAD_TIMEOUT_S", 0.1)
    async with door() as port:
        assert await answer_to(port, beginning) == b""


async def test_a_second_request_of_a_connection_is_bounded_too(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head(HOST))
    await reader.readuntil(b"upgrade to it")
    writer.write(head(HOST, b"X: " + b"y" * 70_000))
    answer = await asyncio.wait_for(reader.read(), 4)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_body_is_no_part_of_the_head(port: int) -> None:
    request = head(
        HOST, b"Connection: close", b"Content-Length: 60000", start=b"POST /nothing HTTP/1.1"
    )
    answer = await answer_to(port, request + b"z" * 60_000)
    assert answer.startswith(b"HTTP/1.1 404 ")
