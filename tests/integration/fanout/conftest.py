"""A worker in the test's own loop, and a topic to publish to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from fanout.app import term_plan
from fanout.settings import FanoutSettings
from fanout.worker import FanoutWorker
from fanwire.core.ids import Org, Service
from fanwire.core.keys import Keys, Topic
from shared.settings.realtime import RealtimeSettings
from tests.support.ledger import Ledger
from tests.support.waiting import eventually

TOPIC = Topic(Org("acme"), Service("tasks"))


Fields = Mapping[str, str | bytes]


class FanoutDesk:
    """Publishes to topics under the test's prefix and reads their ledgers."""

    def __init__(self, redis: Redis, prefix: str) -> None:
        self.redis = redis
        self.keys = Keys(prefix)

    async def publish(self, numbers: Iterable[int], topic: Topic = TOPIC) -> list[str]:
        """Publish `{"n": number}` for each, and return the entry ids."""
        pipe = self.redis.pipeline(transaction=False)
        for number in numbers:
            fields: Fields = {"data": f'{{"n":{number}}}', "eventId": f"e{number}"}
            pipe.xadd(self.keys.events(topic), cast(Any, fields))
        return [entry_id.decode() for entry_id in await pipe.execute()]

    async def add(self, fields: Fields, topic: Topic = TOPIC, *, entry_id: str = "*") -> str:
        """Publish one entry with exactly these fields, and return its id."""
        added: Any = await self.redis.xadd(self.keys.events(topic), cast(Any, fields), id=entry_id)
        return str(added.decode())

    async def ledger(self, topic: Topic = TOPIC) -> Ledger:
        """Read what became of a topic."""
        return await Ledger.read(self.redis, self.keys, topic)

    async def delivered(
        self, numbers: Iterable[int], topic: Topic = TOPIC, *, timeout_s: float = 5
    ) -> Ledger:
        """Wait until exactly these numbers are delivered, and return the ledger."""
        wanted = [{"n": number} for number in numbers]

        async def is_done() -> Ledger:
            ledger = await self.ledger(topic)
            ledger.check(wanted)
            return ledger

        return await eventually(is_done, timeout_s)


@pytest.fixture
def desk(redis: Redis, key_prefix: str) -> FanoutDesk:
    """The shared server, seen by a publisher and an auditor."""
    return FanoutDesk(redis, key_prefix)


StartWorker = Callable[..., Coroutine[Any, Any, FanoutWorker]]


@pytest.fixture
async def start_worker(redis_url: str, key_prefix: str) -> AsyncIterator[StartWorker]:
    """Start a worker in this loop: `await start_worker(lease_ms=900)`; it stops with the test."""
    running: list[tuple[asyncio.Event, asyncio.Task[None]]] = []

    async def start(name: str = "w", *, url: str = redis_url, **settings: Any) -> FanoutWorker:
        realtime = RealtimeSettings(env="dev", redis_url=SecretStr(url), key_prefix=key_prefix)
        worker = FanoutWorker(term_plan(realtime, FanoutSettings(**settings), worker=name))
        stop = asyncio.Event()
        running.append((stop, asyncio.create_task(worker.run(stop))))
        await eventually(lambda: worker.term is not None and worker.term.is_ready)
        return worker

    yield start
    for stop, task in running:
        stop.set()
        with suppress(asyncio.CancelledError):
            await task
