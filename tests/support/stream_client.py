"""A WebSocket of a test, whose frames are kept exactly as they came.

It decides nothing: what a client should make of the frames is the business of the ledger
and of the SDK. A task reads all the time, so that no test is a slow consumer by accident.
"""

import asyncio
import json
import re
import select
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

PATIENCE_S: Final = 8.0
PAGE: Final = Origin("https://app.example.com")
"""What the stack allows."""

_TYPE: Final = re.compile(rb'\{"type":"(\w+)"')
_EVENTS: Final = '"events":['
_DATA: Final = ',"data":'
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True)
class Frame:
    """One text frame, parsed only when it is looked into."""

    raw: bytes

    @property
    def type(self) -> str:
        """What the frame says first."""
        found = _TYPE.match(self.raw)
        assert found is not None, f"the frame does not begin with its type: {self.raw[:80]!r}"
        return found[1].decode()

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The frame as an object."""
        fields: dict[str, Any] = orjson.loads(self.raw)
        return fields

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """The events of a batch, none of any other frame."""
        return list(self.fields["events"]) if self.type == "batch" else []

    @property
    def payloads(self) -> list[bytes]:
        """The `data` of each event, cut out of the frame byte for byte."""
        # Found by the standard library's parser: the SDK has its own way, and a test that
        # took it would share its mistakes.
        text = self.raw.decode()
        at = text.index(_EVENTS) + len(_EVENTS)
        payloads = []
        for _ in self.events:
            _, end = _DECODER.raw_decode(text, at)
            payloads.append(text[at : end - 1].partition(_DATA)[2].encode())
            at = end + 1
        return payloads


class StreamClient:
    """An open socket; leave its `async with` block, or call `close`, to end it."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[Frame] = []
        self._seen = 0
        self._has_ended = False
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls,
        url: str,
        token: str,
        *,
        services: Sequence[str] | None = None,
        property_id: str | None = None,
        resume: Mapping[str, str] | None = None,
        is_paused: bool = False,
    ) -> Self:
        """Upgrade as a page does, the token among the subprotocols.

        A paused one has a small buffer and reads nothing before `unpause`.
        """
        query = {
            "services": None if services is None else ",".join(services),
            "propertyId": property_id,
            "resume": ",".join(f"{name}:{at}" for name, at in resume.items()) if resume else None,
        }
        asked = urlencode({name: value for name, value in query.items() if value is not None})
        options: dict[str, Any] = {"sock": await _narrow_socket(url)} if is_paused else {}
        opened = await connect(
            f"{url}?{asked}" if asked else url,
            subprotocols=[Subprotocol("rt.v1"), Subprotocol(f"rt.token.{token}")],
            origin=PAGE,
            compression=None,
            max_size=None,
            max_queue=None,
            ping_interval=None,
            proxy=None,
            **options,
        )
        if is_paused:
            opened.transport.pause_reading()
        return cls(opened)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def is_open(self) -> bool:
        """Whether the gateway has not closed it yet."""
        return not self._has_ended

    @property
    def close_code(self) -> int | None:
        """The code with which it ended."""
        return self.socket.close_code

    @property
    def hello(self) -> dict[str, Any]:
        """The first frame."""
        assert self.frames, "no frame has come yet"
        assert self.frames[0].type == "hello"
        return self.frames[0].fields

    @property
    def connection_id(self) -> str:
        """The id that `hello` gave it."""
        return str(self.hello["connectionId"])

    @property
    def payloads(self) -> list[bytes]:
        """The bytes of the `data` of every event so far."""
        return [payload for frame in self.frames if frame.events for payload in frame.payloads]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event of every batch so far."""
        return [event for frame in self.frames for event in frame.events]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Return every frame of a type so far."""
        return [frame.fields for frame in self.frames if frame.type == kind]

    def positions(self) -> dict[str, str]:
        """Return from where another socket would resume, per service."""
        at: dict[str, str] = {}
        for frame in self.frames:
            if frame.type in {"hello", "subscriptions"}:
                at |= {
                    row["name"]: row["position"]
                    for row in frame.fields["services"]
                    if "position" in row
                }
            elif frame.type in {"batch", "reset"}:
                at[frame.fields["service"]] = frame.fields["position"]
            elif frame.type == "heartbeat":
                at |= frame.fields["positions"]
        return at

    async def next(self, kind: str, timeout_s: float = PATIENCE_S, **wanted: Any) -> dict[str, Any]:
        """Return the next frame of a type, with these fields; others are passed over."""

        def find() -> dict[str, Any] | None:
            while self._seen < len(self.frames):
                frame = self.frames[self._seen]
                self._seen += 1
                if frame.type == kind and wanted.items() <= frame.fields.items():
                    return frame.fields
            return None

        found: dict[str, Any] = await self.until(
            find, timeout_s, what=f"a {kind} frame {wanted or ''}"
        )
        return found

    async def until(
        self, condition: Callable[[], Any], timeout_s: float = PATIENCE_S, *, what: str = ""
    ) -> Any:
        """Return the first truthy value of `condition`, asked after each frame."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (value := condition()):
                    assert self.is_open, f"closed with {self.close_code}, {self._story(what)}"
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{timeout_s} s, {self._story(what)}") from None
        return value

    async def received(self, count: int, timeout_s: float = PATIENCE_S) -> list[dict[str, Any]]:
        """Return all events once there are so many, and fail if there are more."""
        await self.until(lambda: len(self.events) >= count, timeout_s, what=f"{count} events")
        events = self.events
        assert len(events) == count, f"{len(events)} events instead of {count}: {events[count:]}"
        return events

    async def ended(self, timeout_s: float = PATIENCE_S) -> int:
        """Return the close code once the gateway has ended the connection."""
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.shield(self._reading)
        except TimeoutError:
            raise AssertionError(f"open after {timeout_s} s, {self._story('its end')}") from None
        return self.socket.close_code or 0

    async def say(self, **fields: Any) -> None:
        """Send an object."""
        await self.socket.send(orjson.dumps(fields), text=True)

    async def say_text(self, text: bytes) -> None:
        """Send a text frame with exactly these bytes."""
        await self.socket.send(text, text=True)

    def pause(self) -> None:
        """Read nothing more; a client that was opened paused has little room for it."""
        self.socket.transport.pause_reading()

    def has_unread(self) -> bool:
        """Tell whether the gateway has sent what a paused client did not read."""
        sock = self.socket.transport.get_extra_info("socket")
        return bool(select.select([sock.fileno()], [], [], 0)[0])

    async def read_slowly(self, *, every_s: float = 2.0) -> None:
        """Take about 4 KB each time, until cancelled; for a client that was opened paused."""
        while self.is_open:
            self.socket.transport.resume_reading()
            await asyncio.sleep(0)  # the loop reads once in a turn
            await asyncio.sleep(0)
            self.socket.transport.pause_reading()
            await asyncio.sleep(every_s)

    def unpause(self) -> None:
        """Read from now on."""
        self.socket.transport.resume_reading()

    def drop(self) -> None:
        """Lose the connection, as a client that leaves its network does."""
        self.socket.transport.abort()

    async def close(self) -> None:
        """End the connection and its reader."""
        await self.socket.close()
        await self._reading

    async def _read(self) -> None:
        try:
            with suppress(ConnectionClosed):
                while True:
                    received = await self.socket.recv(decode=False)
                    self.frames.append(Frame(received))
                    self._news.set()
        finally:
            self._has_ended = True
            self._news.set()

    def _story(self, what: str) -> str:
        last = [frame.raw[:300].decode() for frame in self.frames[-6:]]
        return f"waiting for {what or 'a condition'}; the last of {len(self.frames)}: {last}"


async def _narrow_socket(url: str) -> socket.socket:
    # Without this the kernel would take megabytes for a client that reads nothing.
    address = urlsplit(url)
    narrow = socket.socket()
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    narrow.setblocking(False)
    await asyncio.get_running_loop().sock_connect(narrow, (address.hostname, address.port))
    return narrow
