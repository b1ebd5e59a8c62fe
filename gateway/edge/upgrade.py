"""The time between the head of an upgrade and the moment its socket has an owner.

FastAPI is worth its price for the handshake: routing, headers, refusals with a status. For the
life of a socket it is not: a task, a queue and about 30 KB each. So the application is run for
the handshake alone, and gives the transport to our own protocol object.

The ASGI scope offers this as the extension `fanwire.handover`.

Rejected: uvicorn's WebSocket class, whose handshake is written out again, parsed a second time
and checked by the `websockets` library. It was 40 percent of a connect, and the door has
judged the head by then (gateway/edge/request_head.py).
"""

import asyncio
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Scope
from uvicorn.server import ServerState
from websockets.utils import accept_key

from shared.logs import logger

log = logger()

EXTENSION: Final = "fanwire.handover"
_SUBPROTOCOL: Final = b"sec-websocket-protocol"

HandOver = Callable[[asyncio.Protocol], None]
Headers = Iterable[tuple[bytes, bytes]]


class UpgradeHandshake(asyncio.Protocol):
    """Owns the transport while the application decides; an ASGI server of three messages."""

    def __init__(self, transport: asyncio.Transport, state: ServerState, *, early: bytes) -> None:
        self.transport = transport
        self._connections = state.connections
        self._tasks = state.tasks
        self._early = early
        self._lost = asyncio.Event()
        self._is_connect_told = False
        self._is_accepted = False
        self._is_answered = False
        self._is_handed_over = False

    def start(self, app: ASGIApp, scope: Scope) -> None:
        """Run `app` on an upgrade whose head was judged."""
        # A client may send its first frames right behind the head; they are for the next
        # protocol and stay in the kernel until it is there.
        self.transport.pause_reading()
        self.transport.set_protocol(self)
        self._connections.add(self)  # type: ignore[arg-type]
        self._key = next(value for name, value in scope["headers"] if name == b"sec-websocket-key")
        scope["extensions"] = {"websocket.http.response": {}, EXTENSION: self.hand_over}
        task = asyncio.get_running_loop().create_task(self._run(app, scope))
        task.add_done_callback(self._tasks.discard)
        self._tasks.add(task)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application that its client has gone."""
        self._connections.discard(self)
        self._lost.set()

    def shutdown(self) -> None:
        """Called by uvicorn when the server stops: the client tries elsewhere."""
        self.transport.close()

    def hand_over(self, successor: asyncio.Protocol) -> None:
        """Give the transport to `successor`; raises ConnectionError if it was not accepted."""
        if not self._is_accepted or self.transport.is_closing():
            raise ConnectionError("the connection ended during its handshake")
        self._is_handed_over = True
        self._connections.discard(self)
        self.transport.set_protocol(successor)
        successor.connection_made(self.transport)
        if self._early:
            # Not now: the caller has yet to make its successor known.
            loop = asyncio.get_running_loop()
            loop.call_soon(_begin, self.transport, successor, self._early)
        else:
            self.transport.resume_reading()

    async def _run(self, app: ASGIApp, scope: Scope) -> None:
        try:
            await app(scope, self._receive, self._send)
        except Exception:
            log.exception("handshake.failed")
        if not (self._is_accepted or self._is_answered):
            self._refuse(500, [])
        if not self._is_handed_over:
            self.transport.close()

    async def _receive(self) -> Message:
        if not self._is_connect_told:
            self._is_connect_told = True
            return {"type": "websocket.connect"}
        await self._lost.wait()
        return {"type": "websocket.disconnect", "code": 1006}

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "websocket.accept":
                self._accept(message.get("subprotocol"), message.get("headers", ()))
            case "websocket.http.response.start":
                self._refuse(message["status"], message.get("headers", ()))
            case "websocket.http.response.body":
                self._write(message.get("body", b""))
            case "websocket.close":
                self._refuse(403, [(b"content-length", b"0")])
            case other:
                raise RuntimeError(f"{other} comes after the hand-over, which is not ASGI's")

    def _accept(self, subprotocol: str | None, headers: Headers) -> None:
        lines = [(b"upgrade", b"websocket"), (b"connection", b"Upgrade"), *headers]
        lines.append((b"sec-websocket-accept", accept_key(self._key.decode("ascii")).encode()))
        if subprotocol is not None:
            lines.append((_SUBPROTOCOL, subprotocol.encode()))
        self._write(_head(101, lines))
        self._is_accepted = True

    def _refuse(self, status: int, headers: Headers) -> None:
        self._write(_head(status, [*headers, (b"connection", b"close")]))
        self._is_answered = True

    def _write(self, part: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(part)


def websocket_scope(scope: Scope, url: bytes) -> Scope:
    """Return the ASGI scope of an upgrade, from the one of its request."""
    raw_path, _, query = url.partition(b"?")
    return {
        **scope,
        "type": "websocket",
        "asgi": scope["asgi"] | {"spec_version": "2.4"},
        "scheme": "wss" if scope["scheme"] == "https" else "ws",
        # What is not ASCII is none of our paths, whatever it becomes.
        "path": unquote(raw_path.decode("ascii", "replace")),
        "raw_path": raw_path,
        "query_string": query,
        "subprotocols": [
            token.strip().decode("latin-1")
            for name, value in scope["headers"]
            if name == _SUBPROTOCOL
            for token in value.split(b",")
        ],
    }


def _head(status: int, headers: Headers) -> bytes:
    code = HTTPStatus(status)
    lines = [b"HTTP/1.1 %d %b" % (status, code.phrase.encode())]
    lines += [b"%b: %b" % header for header in headers]
    return b"\r\n".join([*lines, b"", b""])


def _begin(transport: asyncio.Transport, successor: asyncio.Protocol, early: bytes) -> None:
    if not transport.is_closing():
        successor.data_received(early)
        transport.resume_reading()
