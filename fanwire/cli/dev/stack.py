"""Starts the development stack, keeps it, and ends it as a whole."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from fanwire.cli.dev.child import Child, stop_children
from fanwire.cli.dev.plan import AUDIENCE, ISSUER, ORG, DevPlan, ServerCommand, planned_servers
from fanwire.cli.dev.runtime_file import DevStack, announce, withdraw
from fanwire.cli.dev.supervisor import OnDeath, OnLine, Supervisor, first_of
from fanwire.cli.dev.valkey import server_version, valkey_command
from fanwire.errors import Unreachable

START_S: Final = 20.0
GRACE_S: Final = 0.6
VALKEY: Final = "valkey"


@dataclass(frozen=True, slots=True)
class Running:
    """A stack that is ready."""

    word: DevStack
    redis_version: str
    partitions: str
    """Of how many partitions the worker is in charge."""


@asynccontextmanager
async def running_stack(
    plan: DevPlan, environment: Mapping[str, str], *, on_line: OnLine, on_death: OnDeath
) -> AsyncIterator[Running]:
    """Run the stack while the block runs; `on_line` gets what its processes write.

    `on_death` is told of each server that died and is started again.

    Raises:
        RealtimeError: If a part of it cannot be started.
        ChildDied: If a part of it ends while the block runs.
    """
    children: dict[str, Child] = {}
    with tempfile.TemporaryDirectory(prefix="fanwire-") as folder:
        try:
            async with asyncio.TaskGroup() as tasks:
                supervisor = Supervisor(tasks, on_line, on_death)
                children = supervisor.children
                running = await _start(plan, environment, supervisor, Path(folder))
                announce(running.word)
                yield running
                supervisor.dismiss()
        except ExceptionGroup as group:
            raise first_of(group) from None
        finally:
            withdraw(os.getpid())
            # Valkey goes last, or the others would complain that it is gone.
            valkey = [children.pop(VALKEY)] if VALKEY in children else []
            await stop_children(children.values(), grace_s=GRACE_S)
            await stop_children(valkey, grace_s=GRACE_S)


async def _start(
    plan: DevPlan, environment: Mapping[str, str], supervisor: Supervisor, folder: Path
) -> Running:
    redis_url = plan.redis_url
    if redis_url is None:
        socket_path = folder / "valkey.sock"
        await supervisor.start(VALKEY, valkey_command(socket_path), environment, restart=False)
        redis_url = f"unix://{socket_path}"
    version = await server_version(redis_url, patience_s=START_S)
    servers = planned_servers(plan, redis_url, environment)
    for server in servers:
        await supervisor.start(server.name, server.command, server.env, restart=True)
    worker, *_ = await _ready(servers)
    word = DevStack(
        pid=os.getpid(),
        redis_url=redis_url,
        url=plan.url,
        org=ORG,
        secret=plan.secret,
        issuer=ISSUER,
        audience=AUDIENCE,
        key_prefix=environment.get("REALTIME_KEY_PREFIX", ""),
    )
    return Running(word, version, f"{worker.get('partitions', '?')}")


async def _ready(servers: list[ServerCommand]) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(timeout=1) as client:
        return await asyncio.gather(*(_answer(client, server) for server in servers))


async def _answer(client: httpx.AsyncClient, server: ServerCommand) -> dict[str, Any]:
    """Wait until a server is ready, and return what it says of itself."""
    try:
        async with asyncio.timeout(START_S):
            while True:
                try:
                    response = await client.get(server.ready_url)
                except httpx.TransportError:
                    await asyncio.sleep(0.03)
                    continue
                if response.status_code == 200:
                    answer: dict[str, Any] = response.json()
                    return answer
                await asyncio.sleep(0.03)
    except TimeoutError:
        raise Unreachable(f"{server.name} was not ready within {START_S:.0f} s") from None
