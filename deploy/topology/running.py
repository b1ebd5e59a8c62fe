"""Starts the programs in the order in which they need each other, and ends them in reverse."""

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.topology.compose_file import Service, is_path, read_services
from deploy.topology.native import LOOPBACK, NativeService, Places, Ports, native, native_ports
from fanwire.cli.dev.child import Child, stop_children
from fanwire.cli.dev.plan import CHECKOUT, free_port
from fanwire.cli.dev.supervisor import OnDeath, OnLine, Supervisor, first_of
from fanwire.cli.dev.valkey import valkey_command
from fanwire.errors import RealtimeError, Unreachable

COMPOSE_FILE: Final = CHECKOUT / "docker-compose.yml"

START_S: Final = 30.0
"""What compose waits for a service's health check, and a slow machine's imports."""

LOOK_EVERY_S: Final = 0.05
"""Soon enough not to lengthen a start, seldom enough not to slow it."""

GRACE_S: Final = 20.0
"""As docker-compose.yml gives a gateway."""

OURS: Final = ("REALTIME_", "GATEWAY_", "FANOUT_", "BALANCER_")
_SBIN: Final = "/usr/sbin:/usr/local/sbin"


class NoProgram(RealtimeError):
    """A program that an image has is not on this machine."""

    name = "no_program"
    retryable = False
    remedy = "Install it; on Debian and Ubuntu: apt-get install haproxy"


@dataclass(frozen=True, slots=True)
class Topology:
    """What is to run, or runs, on which ports."""

    services: Mapping[str, Service]
    ports: Ports
    children: Mapping[str, Child]

    def address(self, service: str, port: int) -> str:
        """Return where a port of a service is here."""
        return f"{LOOPBACK}:{self.ports[service, port]}"


@asynccontextmanager
async def running_topology(
    *, without: Collection[str], keep_ports: bool, on_line: OnLine, on_death: OnDeath
) -> AsyncIterator[Topology]:
    """Run the services of docker-compose.yml while the block runs.

    Raises:
        RealtimeError: If one of them cannot be started, or ended for good.
    """
    described = read_services(COMPOSE_FILE, os.environ)
    services = {name: each for name, each in described.items() if name not in without}
    ports = native_ports(described, free_port=free_port, keep_published=keep_ports)
    children: dict[str, Child] = {}
    with tempfile.TemporaryDirectory(prefix="fanwire-") as folder:
        places = Places(ports, programs_here(), CHECKOUT, Path(folder))
        for name in named_volumes(services):
            (places.volumes / name).mkdir()
        try:
            async with asyncio.TaskGroup() as tasks:
                supervisor = Supervisor(tasks, on_line, on_death)
                children = supervisor.children
                for wave in starting_waves(services):
                    programs = [native(services[name], described, places) for name in wave]
                    await asyncio.gather(*(_start(program, supervisor) for program in programs))
                yield Topology(services, ports, children)
                supervisor.dismiss()
        except ExceptionGroup as group:
            raise first_of(group) from None
        finally:
            for wave in reversed(starting_waves(services)):
                started = [children[name] for name in wave if name in children]
                await stop_children(started, grace_s=GRACE_S)


def starting_waves(services: Mapping[str, Service]) -> list[list[str]]:
    """Return the services in waves: each needs only what earlier waves started."""
    waves: list[list[str]] = []
    waiting = dict(services)
    while waiting:
        # Who needs a service that is left out does without it.
        wave = [name for name, each in waiting.items() if not set(each.needs) & waiting.keys()]
        if not wave:
            raise ValueError(f"these services need each other: {', '.join(waiting)}")
        waves.append(wave)
        waiting = {name: each for name, each in waiting.items() if name not in wave}
    return waves


def named_volumes(services: Mapping[str, Service]) -> set[str]:
    """Return the volumes that are folders of the services' own."""
    sources = [source for each in services.values() for source in each.mounts.values()]
    return {source for source in sources if not is_path(source)}


def programs_here() -> dict[str, str]:
    """Return where the programs that commands name are.

    Raises:
        NoProgram: If one is not installed.
    """
    haproxy = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:{_SBIN}")
    if haproxy is None:
        raise NoProgram("haproxy is not installed")
    valkey = valkey_command(Path("unused"))[0]
    return {"python": sys.executable, "haproxy": haproxy, "valkey-server": valkey}


async def _start(program: NativeService, supervisor: Supervisor) -> None:
    inherited = {name: v for name, v in os.environ.items() if not name.startswith(OURS)}
    env = inherited | {"PYTHONUNBUFFERED": "1"} | dict(program.environment)
    # Without its data a Redis that is started again would be another one.
    await supervisor.start(program.name, program.command, env, restart=program.name != "redis")
    try:
        async with asyncio.timeout(START_S):
            await _until_well(program, env)
    except TimeoutError:
        last = "\n".join(supervisor.children[program.name].last_lines[-5:])
        raise Unreachable(f"{program.name} was not well within {START_S:.0f} s:\n{last}") from None


async def _until_well(program: NativeService, env: Mapping[str, str]) -> None:
    while True:
        if await _is_well(program, env):
            return
        await asyncio.sleep(LOOK_EVERY_S)


async def _is_well(program: NativeService, env: Mapping[str, str]) -> bool:
    if program.check:
        return await _succeeds(program.check, env)
    return all([await _is_open(port) for port in program.ports])


async def _succeeds(command: Sequence[str], env: Mapping[str, str]) -> bool:
    quiet = asyncio.subprocess.DEVNULL
    check = await asyncio.create_subprocess_exec(
        *command, cwd=CHECKOUT, env=dict(env), stdout=quiet, stderr=quiet
    )
    return await check.wait() == 0


async def _is_open(port: int) -> bool:
    with suppress(OSError):
        _, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.close()
        return True
    return False
