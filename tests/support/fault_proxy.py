"""A proxy that breaks connections on command: what a network does, without a network.

It listens on a unix socket or a port and forwards to another. Each direction has its own
faults, which hold for open connections and for new ones until `heal`. What was sent is
delayed, cut into pieces or kept back, never changed.

`freeze` keeps connections open and forwards nothing, like a cable pulled without a FIN;
`reset` answers with RST. A frozen byte is not lost: `heal` lets it through. `freeze_users_of`
does it to the connections that ever sent a Redis command, so that a test can cut the bell and
leave the reads alone. `lose` alone loses something: a subscription that the server forgot.
"""

import asyncio
import contextlib
import random
import re
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

CHUNK_BYTES: Final = 65_536
_RST_ON_CLOSE: Final = struct.pack("ii", 1, 0)

_COMMAND: Final = re.compile(rb"\*\d+\r\n\$\d+\r\n([A-Z]+)\r\n")

Address = Path | tuple[str, int]


@dataclass(slots=True)
class Faults:
    """What happens to bytes in one direction; the defaults do nothing."""

    latency_ms: float = 0
    jitter_ms: float = 0
    slice_bytes: int | None = None
    limit_bytes: int | None = None
    """Forward so many more bytes, then cut the connection they went to; the next is whole."""
    flowing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.flowing.set()


@dataclass(slots=True, eq=False)
class ProxyLink:
    """One connection: what passed through it, and what befalls it alone."""

    commands: set[bytes] = field(default_factory=set)
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    lost: bytes | None = None

    def __post_init__(self) -> None:
        self.flowing.set()


class FaultProxy:
    """Forwards connections from `address` to `target` and harms them when told."""

    def __init__(self, target: Address, *, seed: int = 0) -> None:
        self.to_server = Faults()
        self.to_client = Faults()
        self._target = target
        self._chance = random.Random(seed)
        self._abandoned: list[Faults] = []
        self._refusing = False
        self._links: set[ProxyLink] = set()
        self._frozen_commands: set[bytes] = set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    @classmethod
    @contextlib.asynccontextmanager
    async def between(cls, address: Address, target: Address) -> AsyncIterator[Self]:
        """Run a proxy that listens on `address`; port 0 picks a free one."""
        proxy = cls(target)
        await proxy._listen(address)
        try:
            yield proxy
        finally:
            await proxy._close()

    @property
    def port(self) -> int:
        """The TCP port that it listens on."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def connection_count(self) -> int:
        """Connections that are open through it."""
        return len(self._writers) // 2

    def delay(self, latency_ms: float, *, jitter_ms: float = 0) -> None:
        """Hold every piece back for this long, give or take the jitter."""
        for faults in (self.to_server, self.to_client):
            faults.latency_ms, faults.jitter_ms = latency_ms, jitter_ms

    def slice(self, size_bytes: int) -> None:
        """Forward in pieces of at most this size."""
        self.to_server.slice_bytes = self.to_client.slice_bytes = size_bytes

    def freeze(self) -> None:
        """Forward nothing from now on, and leave every connection open."""
        self.to_server.flowing.clear()
        self.to_client.flowing.clear()

    def freeze_users_of(self, command: bytes) -> None:
        """Freeze every connection that sent `command`, and each that will."""
        self._frozen_commands.add(command)
        for link in self._links:
            self._judge(link)

    def lose(self, word: bytes) -> None:
        """Forward nothing to the client that contains `word`, on open connections."""
        for link in self._links:
            link.lost = word

    def abandon(self) -> None:
        """Leave open connections as they are, frozen for good perhaps, and serve new ones well."""
        self._abandoned += (self.to_server, self.to_client)
        self.to_server, self.to_client = Faults(), Faults()

    def cut(self) -> None:
        """Close every open connection; new ones are served."""
        for writer in list(self._writers):
            writer.close()

    def reset(self) -> None:
        """End every open connection with a RST, as a crashed peer does."""
        for writer in list(self._writers):
            _abort(writer)

    def refuse(self) -> None:
        """End every connection, and every new one at once."""
        self._refusing = True
        self.cut()

    def heal(self) -> None:
        """Take every fault back; what was frozen flows on."""
        self._refusing = False
        self._frozen_commands.clear()
        for link in self._links:
            link.flowing.set()
        for faults in (self.to_server, self.to_client):
            faults.latency_ms = faults.jitter_ms = 0
            faults.slice_bytes = faults.limit_bytes = None
            faults.flowing.set()

    async def _listen(self, address: Address) -> None:
        if isinstance(address, Path):
            self._server = await asyncio.start_unix_server(self._serve, address)
        else:
            self._server = await asyncio.start_server(self._serve, *address)

    async def _close(self) -> None:
        self.heal()
        for faults in self._abandoned:
            faults.flowing.set()
        assert self._server is not None
        self._server.close()
        self.cut()
        await self._server.wait_closed()
        await self._idle.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            _abort(writer)
            return
        try:
            server_reader, server_writer = await self._connect()
        except OSError:
            _abort(writer)
            return
        pair = {writer, server_writer}
        link = ProxyLink()
        self._writers |= pair
        self._links.add(link)
        self._idle.clear()
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._forward(reader, server_writer, self.to_server, link))
                both.create_task(self._forward(server_reader, writer, self.to_client, link))
        finally:
            for each in pair:
                each.close()
            self._writers -= pair
            self._links.discard(link)
            if not self._writers:
                self._idle.set()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._target, Path):
            return await asyncio.open_unix_connection(self._target)
        return await asyncio.open_connection(*self._target)

    async def _forward(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        faults: Faults,
        link: ProxyLink,
    ) -> None:
        with contextlib.suppress(OSError):
            while received := await source.read(faults.slice_bytes or CHUNK_BYTES):
                if faults is self.to_server:
                    link.commands.update(_COMMAND.findall(received))
                    self._judge(link)
                elif link.lost is not None and link.lost in received:
                    continue
                await self._hold(faults)
                await link.flowing.wait()
                allowed = received[: faults.limit_bytes]
                sink.write(allowed)
                await sink.drain()
                if faults.limit_bytes is not None:
                    faults.limit_bytes -= len(allowed)
                    if faults.limit_bytes <= 0:
                        faults.limit_bytes = None
                        break
        # One side is gone, so the other is told; half-open connections are `freeze`.
        sink.close()

    def _judge(self, link: ProxyLink) -> None:
        if link.commands & self._frozen_commands:
            link.flowing.clear()

    async def _hold(self, faults: Faults) -> None:
        wait_ms = faults.latency_ms + faults.jitter_ms * self._chance.uniform(-1, 1)
        if wait_ms > 0:
            await asyncio.sleep(wait_ms / 1000)
        await faults.flowing.wait()


def _abort(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
    writer.transport.abort()
