"""Starts the development stack, keeps it, and ends it as a whole."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from fanwire.cli.dev.child import Child, stop_children
from fanwire.cli.dev.defaults import AUDIENCE, ISSUER, ORG
from fanwire.cli.dev.demo_child import planned_demo
from fanwire.cli.dev.plan import DevPlan, PlannedChild, planned_servers
from fanwire.cli.dev.runtime_file import DevStack, announce, withdraw
from fanwire.cli.dev.supervisor import OnDeath, OnLine, Supervisor, first_of
from fanwire.cli.dev.valkey import server_version, valkey_command
from fanwire.errors import Unreachable

START_S: Final = 20.0
"""Ten times what a start takes on two quiet cores: only a process that hangs is given up."""

GRACE_S: Final = 0.6
"""Twice at most, for Valkey goes last; a process that ends by itself takes a tenth of a second."""

_LOOK_EVERY_S: Final = 0.03
"""The eye does not see it, and a few processes are asked."""

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

    `on_death` gets the death of each process that is started again.

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
    # Together, though the demo needs a gateway: it starts while they do, and then connects.
    servers = planned_servers(plan, redis_url, environment)
    demo = planned_demo(plan, redis_url, environment)
    worker, *_ = await _started(supervisor, [*servers, *demo])
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


async def _started(supervisor: Supervisor, planned: Sequence[PlannedChild]) -> list[dict[str, Any]]:
    """Start processes, and return what each says of itself when it is ready."""
    for each in planned:
        await supervisor.start(each.name, each.command, each.env, restart=True)
    async with httpx.AsyncClient(timeout=1, trust_env=False) as client:
        return await asyncio.gather(*(_answer(client, each) for each in planned))


async def _answer(client: httpx.AsyncClient, process: PlannedChild) -> dict[str, Any]:
    """Wait until a process is ready, and return what it says of itself."""
    if process.ready_url is None:
        return {}
    try:
        async with asyncio.timeout(START_S):
            while True:
                with suppress(httpx.TransportError):
                    response = await client.get(process.ready_url)
                    if response.status_code == 200:
                        answer: dict[str, Any] = response.json()
                        return answer
                await asyncio.sleep(_LOOK_EVERY_S)
    except TimeoutError:
        raise Unreachable(f"{process.name} was not ready within {START_S:.0f} s") from None
