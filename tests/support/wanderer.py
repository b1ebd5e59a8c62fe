"""A client that comes back: on the next gateway, from where it stood, until told to stop.

It keeps the books of a session over all its sockets and forgives nothing; ClientLedger says
what it checks.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Self

from websockets.exceptions import InvalidHandshake

from tests.support.client_ledger import ClientLedger
from tests.support.stream_client import StreamClient
from tests.support.tenant import Tenant
from tests.support.waiting import eventually


class Wanderer:
    """One session; it runs inside its `async with` block."""

    def __init__(
        self,
        tenant: Tenant,
        *,
        services: Sequence[str] = ("tasks",),
        gateway: int = 0,
        property_id: str | None = None,
        token: str | None = None,
        resume: dict[str, str] | None = None,
    ) -> None:
        self.ledger = ClientLedger(is_filtered=property_id is not None)
        self.close_codes: list[int] = []
        self.sockets: list[StreamClient] = []
        self._tenant = tenant
        self._services = services
        self._gateway = gateway
        self._property_id = property_id
        self._token = token or tenant.token()
        self._resume = resume
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        await eventually(self._was_greeted, 20, what="a first hello")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for socket in self.sockets:
            await socket.close()
            self.ledger.take(socket)

    @property
    def is_connected(self) -> bool:
        """Whether it has a socket that was greeted."""
        return bool(self.sockets) and self.sockets[-1].is_open and bool(self.sockets[-1].frames)

    @property
    def node(self) -> str:
        """The gateway that greeted it last."""
        return str(self.sockets[-1].hello["node"])

    async def until_has(self, number: int, timeout_s: float = 15) -> None:
        """Return when the last number of every service has come."""

        def is_there() -> bool:
            numbers = self._checked().numbers
            return all(numbers[service][-1:] == [number] for service in self._services)

        await eventually(is_there, timeout_s, what=f"number {number}")

    def check(self, count: int, *, resets: Sequence[tuple[str, str]] = ()) -> None:
        """Fail unless every number below `count` came once and in order."""
        for service in self._services:
            self._checked().check(service, range(count), resets=resets)

    def _was_greeted(self) -> bool:
        return bool(self._checked().positions)

    def _checked(self) -> ClientLedger:
        if self.sockets:
            self.ledger.take(self.sockets[-1])
        assert self._task is not None
        if self._task.done():
            self._task.result()
        return self.ledger

    async def _run(self) -> None:
        while True:
            try:
                self.sockets.append(await self._open())
            except (OSError, InvalidHandshake):
                await asyncio.sleep(0.2 * random.random())
            else:
                await self._stay(self.sockets[-1])
            self._gateway = (self._gateway + 1) % len(self._tenant.doors)

    async def _open(self) -> StreamClient:
        return await StreamClient.open(
            self._tenant.doors[self._gateway].stream_url,
            self._token,
            services=self._services,
            property_id=self._property_id,
            resume=self.ledger.resume or self._resume,
        )

    async def _stay(self, socket: StreamClient) -> None:
        self.close_codes.append(await socket.ended(timeout_s=600))
        self.ledger.take(socket)


async def check_all(wanderers: Sequence[Wanderer], count: int, timeout_s: float = 20) -> None:
    """Wait until all have the last of `count` numbers, then fail if one misses or repeats any."""
    await asyncio.gather(*(each.until_has(count - 1, timeout_s) for each in wanderers))
    for each in wanderers:
        each.check(count)
