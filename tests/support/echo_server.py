"""A WebSocket server that says back what it hears, made of the gateway's parser and writer.

The Autobahn cases need an echo, and the gateway never echoes; here nothing stands between
the cases and the code they are to judge.
"""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, assert_never

from gateway.websocket.events import (
    BinaryMessage,
    Close,
    FrameEvent,
    FrameLimits,
    Ping,
    Pong,
    TextMessage,
    Violation,
)
from gateway.websocket.header import Opcode
from gateway.websocket.parser import FrameParser
from gateway.websocket.writer import close_frame, pong_frame, text_frame

_LIMITS: Final = FrameLimits(accepts_binary=True)
_END_OF_REQUEST: Final = b"\r\n\r\n"
_ACCEPT_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@asynccontextmanager
async def echo_server() -> AsyncIterator[str]:
    """Serve on a free port; yield the URL."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_EchoConnection, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"ws://{host}:{port}"
    finally:
        server.close()
        await server.wait_closed()


class _EchoConnection(asyncio.Protocol):
    def __init__(self) -> None:
        self._request: bytes | None = b""
        self._parser = FrameParser(_LIMITS)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, received: bytes) -> None:
        if self._request is not None:
            received = self._shake_hands(self._request + received)
        for event in self._parser.feed(received):
            self._answer(event)

    def _shake_hands(self, request: bytes) -> bytes:
        """Answer the request once it is whole; return the frame bytes behind it."""
        head, end, rest = request.partition(_END_OF_REQUEST)
        if not end:
            self._request = request
            return b""
        self._request = None
        self._write(_switching_protocols(head))
        return rest

    def _answer(self, event: FrameEvent) -> None:
        match event:
            case TextMessage(payload):
                self._write(text_frame(payload))
            case BinaryMessage(payload):
                # The gateway sends no binary, so its writer cannot; only the opcode differs.
                self._write(bytes([0x80 | Opcode.BINARY]) + text_frame(payload)[1:])
            case Ping(payload):
                self._write(pong_frame(payload))
            case Pong():
                pass
            case Close(code, _):
                self._leave(close_frame(code))
            case Violation(code, reason):
                self._leave(close_frame(code, reason))
            case _:
                assert_never(event)

    def _leave(self, frame: bytes) -> None:
        self._write(frame)
        assert self._transport is not None
        self._transport.close()

    def _write(self, sent: bytes) -> None:
        assert self._transport is not None
        self._transport.write(sent)


def _switching_protocols(head: bytes) -> bytes:
    fields = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    key = {name.lower(): value.strip() for name, _, value in fields}[b"sec-websocket-key"]
    # SHA-1 is what RFC 6455 §4.2.2 prescribes; it proves understanding and hides nothing.
    accept = base64.b64encode(hashlib.sha1(key + _ACCEPT_GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + _END_OF_REQUEST
    )
