"""An HTTP request spelled by hand, for what no decent client would send."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson

from tests.support.stack import GatewayProcess
from tests.support.stream_client import PAGE

STREAM: Final = "/v2/realtime/stream"
_HANDSHAKE: Final = {
    "Host": "gateway.test",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Origin": str(PAGE),
}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The body as an object."""
        fields: dict[str, Any] = orjson.loads(self.body)
        return fields


class RawConnection:
    """A TCP connection to a gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, gateway: GatewayProcess) -> Self:
        """Connect."""
        host, _, port = gateway.url.removeprefix("http://").partition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def send(self, raw: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(raw)
        await self._writer.drain()

    async def answer(self, timeout_s: float = 8) -> Answer:
        """Read one answer; a 101 has no body."""
        async with asyncio.timeout(timeout_s):
            head = await self._reader.readuntil(b"\r\n\r\n")
            status_line, *lines = head.decode().strip().split("\r\n")
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines)
            }
            length = int(headers.get("content-length", 0))
            body = await self._reader.readexactly(length)
        return Answer(int(status_line.split()[1]), headers, body)

    async def received(self, count: int, timeout_s: float = 8) -> bytes:
        """Read exactly so many bytes."""
        async with asyncio.timeout(timeout_s):
            return await self._reader.readexactly(count)

    async def until(self, wanted: bytes, timeout_s: float = 8) -> bytes:
        """Read up to these bytes, and return all of it."""
        async with asyncio.timeout(timeout_s):
            return await self._reader.readuntil(wanted)

    async def rest(self, timeout_s: float = 8) -> bytes:
        """Read until the gateway closes the connection."""
        async with asyncio.timeout(timeout_s):
            return await self._reader.read()

    def close(self) -> None:
        """Close it."""
        self._writer.close()


def handshake(
    *subprotocols: str, path: str = STREAM, without: Sequence[str] = (), **headers: str
) -> bytes:
    """Return an upgrade request; header names are given with underscores."""
    offered = {"Sec-WebSocket-Protocol": ", ".join(subprotocols)} if subprotocols else {}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    spelled = {
        name: value for name, value in (_HANDSHAKE | offered | given).items() if name not in without
    }
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in spelled.items())]
    return "\r\n".join([*lines, "", ""]).encode()


async def ask(gateway: GatewayProcess, raw: bytes) -> Answer:
    """Send a request over a connection of its own and return the answer."""
    connection = await RawConnection.open(gateway)
    try:
        await connection.send(raw)
        return await connection.answer()
    finally:
        connection.close()
