"""A socket of the swarm: the upgrade, the frames, the pongs. Nothing that is not needed.

A client of the websockets library costs a task and some 30 KB; thousands of them would be
slower than the gateways that they are to try.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Final, cast

from tests.support.client_frames import client_frame
from tests.support.swarm_session import SwarmSession

_TEXT: Final = 1
_CLOSE: Final = 8
_PING: Final = 9
_PONG: Final = 10


class SwarmSocket(asyncio.Protocol):
    """`ended` is done when the connection is gone."""

    def __init__(self, session: SwarmSession, request: bytes) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done at the first frame, or at the end."""
        self._session = session
        self._request = request
        self._transport: asyncio.Transport | None = None
        self._is_upgraded = False
        self._has_said_why = False
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        received = self._rest + data if self._rest else data
        if not self._is_upgraded:
            head, end, received = received.partition(b"\r\n\r\n")
            if not end:
                self._rest = head
                return
            self._take_head(head)
        self._rest = b""
        if self._is_upgraded:
            for opcode, payload in self._frames(received):
                self._take(opcode, payload)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._has_said_why:
            self._session.books.ended("cut")
        for waited_for in (self.ended, self.greeted):
            if not waited_for.done():
                waited_for.set_result(None)

    def _take_head(self, head: bytes) -> None:
        status = head.split(b" ", 2)[1].decode()
        self._is_upgraded = status == "101"
        if not self._is_upgraded:
            self._end(status)

    def _frames(self, received: bytes) -> Iterator[tuple[int, bytes]]:
        at = 0
        while len(received) - at >= 2:
            length, start = received[at + 1], at + 2
            if length > 125:
                start += 2 if length == 126 else 8
                length = int.from_bytes(received[at + 2 : start], "big")
            if len(received) < start + length:
                break
            yield received[at] & 0x0F, received[start : start + length]
            at = start + length
        self._rest = received[at:]

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            self._session.take(payload, time.monotonic())
            if not self.greeted.done():
                self.greeted.set_result(None)
        elif opcode == _PING and self._transport is not None:
            self._transport.write(client_frame(_PONG, payload))
        elif opcode == _CLOSE:
            self._session.closed(int.from_bytes(payload[:2], "big"))
            self._end(None)

    def _end(self, how: str | None) -> None:
        if how is not None:
            self._session.books.ended(how)
        self._has_said_why = True
        assert self._transport is not None
        self._transport.close()
