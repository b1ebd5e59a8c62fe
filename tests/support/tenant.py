"""An org on a running stack: its publishers, its users and its auditor.

A stack takes a second to start and an org costs nothing, so tests share a stack and have an
org each. Nothing of one org reaches another; that is promised, and held here in passing.
"""

import asyncio
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, cast

import httpx
from redis.asyncio import Redis
from websockets.exceptions import InvalidStatus

from fanwire.core.ids import Org, Service
from fanwire.core.keys import Keys, Topic
from tests.support.ledger import Ledger
from tests.support.stack import GatewayProcess, Stack
from tests.support.stream_client import StreamClient

_UPDATE: Final = "/v2/realtime/update-services"


class Door(Protocol):
    """Where clients come in: a gateway, or a balancer in front of several."""

    url: str
    stream_url: str


class Tenant:
    """One org; `close` ends every socket that was opened through it.

    Its clients go to the gateway that a test names, or all through one door.
    """

    def __init__(
        self, stack: Stack, redis: Redis, *, org: str | None = None, door: Door | None = None
    ) -> None:
        self.stack = stack
        self.doors: Sequence[Door] = stack.gateways if door is None else [door]
        self.redis = redis
        self.org = Org(org or f"org-{uuid.uuid4().hex[:12]}")
        self.keys = Keys(stack.key_prefix)
        self.clients: list[StreamClient] = []
        self._http = httpx.AsyncClient(timeout=15, trust_env=False)

    def topic(self, service: str) -> Topic:
        """Return the topic of a service."""
        return Topic(self.org, Service(service))

    def token(self, **claims: Any) -> str:
        """Return a good token of this org."""
        return self.stack.token(**{"org": self.org} | claims)

    async def publish(self, service: str, *payloads: bytes, **fields: str) -> list[str]:
        """XADD payloads, all with the same further fields; return their entry ids."""
        pipe = self.redis.pipeline(transaction=False)
        for payload in payloads:
            entry: dict[Any, Any] = {**fields, "data": payload}
            pipe.xadd(self.keys.events(self.topic(service)), entry)
        return [entry_id.decode() for entry_id in await pipe.execute()]

    async def publish_numbers(self, service: str, numbers: Iterable[int], **fields: str) -> None:
        """XADD `{"n":…}` for each number, with an `eventId` of its own."""
        pipe = self.redis.pipeline(transaction=False)
        key = self.keys.events(self.topic(service))
        for n in numbers:
            own = {"eventId": f"{self.org}:{n}", "data": f'{{"n":{n}}}'}
            pipe.xadd(key, cast(Any, fields | own))
        await pipe.execute()

    async def ledger(self, service: str) -> Ledger:
        """Read what became of a topic."""
        return await Ledger.read(self.redis, self.keys, self.topic(service))

    async def connect(
        self,
        gateway: int = 0,
        *,
        services: Sequence[str] | None = ("tasks",),
        property_id: str | None = None,
        resume: Mapping[str, str] | None = None,
        token: str | None = None,
        is_paused: bool = False,
    ) -> StreamClient:
        """Open a socket and wait for its hello, unless it is paused."""
        client = await StreamClient.open(
            self.doors[gateway].stream_url,
            token or self.token(),
            services=services,
            property_id=property_id,
            resume=resume,
            is_paused=is_paused,
        )
        self.clients.append(client)
        if not is_paused:
            await client.next("hello")
        return client

    async def refused(self, gateway: int = 0, **options: Any) -> tuple[int, dict[str, Any]]:
        """Open a socket that is not let in; return the status and the error."""
        try:
            client = await self.connect(gateway, **options)
        except InvalidStatus as refusal:
            answer = httpx.Response(200, content=bytes(refusal.response.body or b"null"))
            return refusal.response.status_code, answer.json()
        raise AssertionError(f"let in as {client.connection_id}")

    async def refused_after_upgrade(
        self, gateway: int = 0, *, token: str | None = None, **options: Any
    ) -> tuple[int, dict[str, Any]]:
        """Open a socket that is closed at once; return the close code and the error frame."""
        client = await StreamClient.open(
            self.doors[gateway].stream_url, token or self.token(), **options
        )
        self.clients.append(client)
        code = await client.ended()
        (error,) = (frame.fields for frame in client.frames)
        assert error["type"] == "error"
        return code, error

    async def update(
        self,
        gateway: int = 0,
        *,
        token: str | None = None,
        body: Mapping[str, object] | None = None,
        **fields: Any,
    ) -> httpx.Response:
        """POST update-services to a gateway; the fields may be given by name."""
        return await self.post(gateway, token=token, json=fields if body is None else body)

    async def post(
        self,
        gateway: int = 0,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **request: Any,
    ) -> httpx.Response:
        """POST anything to update-services of a gateway."""
        authorization = {"Authorization": f"Bearer {token or self.token()}"}
        return await self._http.post(
            self.doors[gateway].url + _UPDATE,
            headers=authorization | dict(headers or {}),
            **request,
        )

    async def get(self, path: str, gateway: int = 0, *, token: str | None = None) -> httpx.Response:
        """GET a path of a gateway."""
        return await self._http.get(
            self.doors[gateway].url + path,
            headers={"Authorization": f"Bearer {token or self.token()}"},
        )

    def gateway(self, number: int) -> GatewayProcess:
        """Return a gateway of the stack."""
        return self.stack.gateways[number]

    async def close(self) -> None:
        """End all sockets, and hold every one of them to the isolation of orgs."""
        await asyncio.gather(*(client.close() for client in self.clients))
        await self._http.aclose()
        for client in self.clients:
            for event in client.events:
                event_id = str(event.get("eventId", self.org))
                assert not event_id.startswith("org-") or event_id.startswith(self.org)
