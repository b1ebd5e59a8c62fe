"""A worker without a Redis waits for one, says so, and stops when told."""

import asyncio
from pathlib import Path

import httpx
from pydantic import SecretStr
from structlog.testing import capture_logs

from fanout.app import term_plan
from fanout.internal_api import internal_api
from fanout.settings import FanoutSettings
from fanout.worker import FanoutWorker
from shared.settings.realtime import RealtimeSettings
from tests.support.telemetry import unheard
from tests.support.waiting import eventually


def a_worker(folder: Path) -> FanoutWorker:
    realtime = RealtimeSettings(env="dev", redis_url=SecretStr(f"unix://{folder}/nobody.sock"))
    return FanoutWorker(term_plan(realtime, FanoutSettings(), worker="w~1"))


async def test_it_tries_again_and_stops_at_once(tmp_path: Path) -> None:
    worker = a_worker(tmp_path)
    stop = asyncio.Event()
    with capture_logs() as lines:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run(stop))
            await eventually(lambda: worker.counters.terms > 2)
            stop.set()
    [lost, *ended] = lines
    assert lost["event"] == "redis.lost"
    assert {line["event"] for line in ended} == {"fanout.term_ended"}
    assert "ConnectionError" in ended[0]["why"]


async def test_it_lives_but_is_not_ready(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(internal_api(a_worker(tmp_path), unheard()))
    async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
        alive, ready = await client.get("/livez"), await client.get("/readyz")
    assert (alive.status_code, ready.status_code) == (200, 503)
    state = alive.json()
    assert (state["worker"], state["partitions"], state["topics"]) == ("w~1", 0, 0)
    assert state["counters"]["events"] == 0
