"""What docker-compose.yml describes, run as `make topology` does, and used by a client."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import yaml

from demo.world import SERVICES
from deploy.topology.running import COMPOSE_FILE
from fanwire.publish.async_publisher import AsyncPublisher
from fanwire.subscribe.subscriber import Subscriber
from fanwire.tokens import mint_token
from fanwire.wire.delivered_event import DeliveredEvent
from tests.support.needed import needed
from tests.support.role import ROOT, inherited_environment
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.slow,
    pytest.mark.valkey,
    pytest.mark.usefixtures("_haproxy"),
]

COMMAND = (sys.executable, "-m", "deploy.topology", "--free-ports", "--json")
TOKENS = yaml.safe_load(COMPOSE_FILE.read_text())["x-tokens"]
# Not `acme`: the demo publishes to that one.
ORG = "globex"


@pytest.fixture
def _haproxy() -> None:
    needed("haproxy")


@dataclass(frozen=True)
class RunningTopology:
    """A running `make topology`."""

    process: asyncio.subprocess.Process
    services: dict[str, Any]

    def address(self, service: str, port: int) -> str:
        return str(self.services[service]["ports"][str(port)])

    @property
    def pids(self) -> list[int]:
        return [each["pid"] for each in self.services.values()]

    @property
    def gateways(self) -> list[str]:
        return [name for name in self.services if name.startswith("gateway")]

    async def sockets(self) -> dict[str, int]:
        """How many sockets each gateway has."""
        async with httpx.AsyncClient(trust_env=False) as http:
            urls = {name: f"http://{self.address(name, 8001)}/readyz" for name in self.gateways}
            return {name: (await http.get(url)).json()["connections"] for name, url in urls.items()}


def token() -> str:
    return mint_token(
        TOKENS["REALTIME_JWT_SECRET"],
        org=ORG,
        sub="ada",
        services="*",
        properties="*",
        publish=False,
        ttl_s=600,
        issuer=TOKENS["REALTIME_JWT_ISSUER"],
        audience=TOKENS["REALTIME_JWT_AUDIENCE"],
        now=time.time(),
    )


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[RunningTopology]:
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        cwd=ROOT,
        env=inherited_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = await process.stdout.readline()
        assert line, (await process.stderr.read()).decode()
        yield RunningTopology(process, json.loads(line)["services"])
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def published(topology: RunningTopology, data: object) -> None:
    async with AsyncPublisher.from_url(f"redis://{topology.address('redis', 6379)}") as publisher:
        await publisher.publish(ORG, "tasks", data)


async def received(subscriber: Subscriber) -> DeliveredEvent:
    async with asyncio.timeout(15):
        return await anext(subscriber.events())


async def test_a_client_behind_the_balancer_goes_on_when_its_gateway_dies() -> None:
    async with running() as topology:
        before = await topology.sockets()
        url = f"ws://{topology.address('haproxy', 8000)}"
        async with Subscriber(url, get_token=token, services=["tasks"]) as subscriber:
            await published(topology, 1)
            assert (await received(subscriber)).data == 1
            now = await topology.sockets()
            (mine,) = (name for name, count in now.items() if count > before[name])
            os.kill(topology.services[mine]["pid"], signal.SIGKILL)
            await published(topology, 2)
            assert (await received(subscriber)).data == 2


async def test_the_demo_tells_its_story_behind_the_balancer() -> None:
    async with running() as topology, httpx.AsyncClient(trust_env=False) as http:
        page = f"http://{topology.address('demo', 8090)}"
        told = (await http.get(f"{page}/dev/token")).json()
        assert told["url"] == f"ws://{topology.address('haproxy', 8000)}/v2/realtime/stream"
        async with Subscriber(
            told["url"], get_token=lambda: told["token"], services=SERVICES
        ) as subscriber:
            assert (await received(subscriber)).ts_ms > 0


async def test_an_interrupt_ends_every_process_of_it() -> None:
    async with running("--without", "demo") as topology:
        assert len(topology.pids) == 7
        topology.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(15):
            assert await topology.process.wait() == 0
        await eventually(lambda: all(map(is_gone, topology.pids)))
