"""A gateway that says what a test tells it to, on a loopback socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from fanwire.core.events import Event, entry_fields, parse_entry
from fanwire.core.position import Position
from fanwire.wire.encode import ServiceState, encode_batch, encode_hello

FAR_FUTURE_MS = 4_102_444_800_000


class Talk:
    """One socket, from the gateway's side."""

    def __init__(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self._socket = socket
        self.close_code: int | None = None
        self.headers = socket.request.headers
        self.query = {
            name: values[0]
            for name, values in parse_qs(
                urlsplit(socket.request.path).query, keep_blank_values=True
            ).items()
        }

    async def say(self, *frames: bytes) -> None:
        for frame in frames:
            await self._socket.send(frame, text=True)

    async def heard(self) -> dict[str, Any]:
        """Return the next frame of the client."""
        frame: dict[str, Any] = json.loads(await self._socket.recv())
        return frame

    async def close(self, code: int, reason: str = "") -> None:
        await self._socket.close(code, reason)

    async def until_closed(self) -> None:
        await self._socket.wait_closed()
        self.close_code = self._socket.close_code


Script = Callable[[Talk], Awaitable[None]]


class ScriptedGateway:
    """Plays one script for each connection; the last one for all further ones."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self.talks: list[Talk] = []
        self.refusals: list[tuple[int, Mapping[str, object]]] = []
        """HTTP answers to the next upgrades, instead of accepting them."""
        self.attempt_count = 0

    async def _play(self, socket: ServerConnection) -> None:
        talk = Talk(socket)
        self.talks.append(talk)
        script = self._scripts[min(len(self.talks), len(self._scripts)) - 1]
        await script(talk)

    def _admit(self, _: ServerConnection, request: Request) -> Response | None:
        self.attempt_count += 1
        if not self.refusals:
            return None
        status, fields = self.refusals.pop(0)
        return Response(status, "refused", Headers(), json.dumps(fields).encode())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve, and yield the URL."""
        server: Server
        async with serve(
            self._play,
            "127.0.0.1",
            0,
            process_request=self._admit,
            subprotocols=[Subprotocol("rt.v1")],
            close_timeout=0.2,
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            yield f"ws://127.0.0.1:{port}"


def hello(
    *services: ServiceState, heartbeat_ms: int = 15000, expires_at_ms: int = FAR_FUTURE_MS
) -> bytes:
    return encode_hello(
        connection_id="c1",
        node="gw-1",
        version=1,
        property_id=None,
        heartbeat_ms=heartbeat_ms,
        token_expires_at_ms=expires_at_ms,
        services=services,
        limits={},
    )


def batch(first: int, last: int, *, service: str = "tasks", epoch: int = 1) -> bytes:
    """Return the batch of the events `first` to `last`, each of whose data is its seq."""
    events = [_event(seq) for seq in range(first, last + 1)]
    return encode_batch(
        service=service,
        prev=Position(epoch, first - 1),
        position=Position(epoch, last),
        sent_at_ms=0,
        traceparent=None,
        events=events,
    ).body


def _event(seq: int) -> Event:
    fields = entry_fields(str(seq).encode(), {"eventId": f"e{seq}"})
    event = parse_entry("1-0", fields, org="acme")
    assert isinstance(event, Event)
    return event


async def wait_closed(talk: Talk) -> None:
    """End a script: stay until the client goes."""
    await asyncio.wait_for(talk.until_closed(), 10)
