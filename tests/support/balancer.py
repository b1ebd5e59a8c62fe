"""A balancer as a process, with the configuration that `deploy/` gives to users.

Only the addresses differ from a deployment's, and they come by the variables that the
configuration names.
"""

import asyncio
import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Final, Literal
from urllib.parse import urlsplit

import httpx

from tests.support.needed import needed
from tests.support.role import ROOT
from tests.support.stack import GatewayProcess
from tests.support.waiting import eventually, free_port

DEPLOY: Final = ROOT / "deploy"
Kind = Literal["haproxy", "nginx"]
KINDS: Final[tuple[Kind, ...]] = ("haproxy", "nginx")


class Balancer(ABC):
    """A process in front of gateways; `url` and `stream_url` are like a gateway's own."""

    kind: Kind

    def __init__(self, gateways: Sequence[GatewayProcess], folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.stream_url = f"ws://127.0.0.1:{self.port}/v2/realtime/stream"
        self._folder = folder
        self._log_path = folder / f"{self.kind}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._addresses = {
            f"BALANCER_GATEWAY_{n}": urlsplit(gateway.url).netloc
            for n, gateway in enumerate(gateways, 1)
        }

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command line, with everything it needs in place."""

    @abstractmethod
    def check_command(self) -> list[str]:
        """Return the command line that only checks the configuration."""

    @abstractmethod
    async def is_ready(self) -> bool:
        """Tell whether it would pass a client on."""

    def environment(self) -> dict[str, str]:
        """Return the variables that the configuration reads."""
        return dict(self._addresses)

    @property
    def log(self) -> str:
        """Everything it has written so far."""
        return self._log_path.read_text(errors="replace") if self._log_path.exists() else ""

    def check(self) -> str:
        """Let the program check its configuration; return what it says."""
        done = subprocess.run(
            self.check_command(), env=self._full_environment(), capture_output=True, check=False
        )
        said = (done.stdout + done.stderr).decode(errors="replace")
        assert done.returncode == 0, said
        return said

    async def start(self) -> None:
        """Start it and wait until it passes clients on."""
        self._process = self._spawn(self.command())
        await eventually(self._is_up, 10, what=f"{self.kind}, which wrote {self.log[-2000:]}")

    async def stop(self) -> None:
        """End it at once, with every connection through it."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            await asyncio.to_thread(self._process.wait, 5)
        finally:
            self._process.kill()

    def _spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with self._log_path.open("ab") as log:
            return subprocess.Popen(
                command,
                env=self._full_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log[-2000:]
        try:
            return await self.is_ready()
        except httpx.TransportError:
            return False

    def _full_environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", "")} | self.environment()


class Haproxy(Balancer):
    """`deploy/haproxy.cfg`, unchanged."""

    kind = "haproxy"

    def __init__(
        self, gateways: Sequence[GatewayProcess], folder: Path, *, max_connections: int = 1_000
    ) -> None:
        super().__init__(gateways, folder)
        self._status_port = free_port()
        self._max_connections = max_connections
        self._readyz = {
            f"BALANCER_READYZ_{n}": str(urlsplit(gateway.internal_url).port)
            for n, gateway in enumerate(gateways, 1)
        }

    def environment(self) -> dict[str, str]:
        return (
            super().environment()
            | self._readyz
            | {
                "BALANCER_BIND": f"127.0.0.1:{self.port}",
                "BALANCER_STATUS_BIND": f"127.0.0.1:{self._status_port}",
                "BALANCER_MAXCONN": str(self._max_connections),
            }
        )

    def command(self) -> list[str]:
        # -db: in the foreground.
        return [*self._program(), "-db"]

    def check_command(self) -> list[str]:
        return [*self._program(), "-c"]

    async def is_ready(self) -> bool:
        return (await self._status("/livez")).status_code == 200

    async def sockets(self) -> dict[str, int]:
        """Return how many connections each server has, by its name in the configuration."""
        return await self._per_server("haproxy_server_current_sessions")

    async def servers_up(self) -> set[str]:
        """Return the servers that its health checks find ready."""
        states = await self._per_server("haproxy_server_status", state="UP")
        return {name for name, is_up in states.items() if is_up}

    async def _per_server(self, metric: str, **labels: str) -> dict[str, int]:
        page = (await self._status("/metrics")).text
        wanted = [f'{name}="{value}"' for name, value in labels.items()]
        return {
            line.split('server="')[1].split('"')[0]: int(float(line.split()[-1]))
            for line in page.splitlines()
            if line.startswith(f"{metric}{{") and all(label in line for label in wanted)
        }

    async def _status(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as http:
            return await http.get(f"http://127.0.0.1:{self._status_port}{path}")

    def _program(self) -> list[str]:
        return [needed(self.kind), "-f", str(DEPLOY / "haproxy.cfg")]


class Nginx(Balancer):
    """`deploy/nginx.conf`, unchanged, and its template filled in as the official image does."""

    kind = "nginx"

    def environment(self) -> dict[str, str]:
        return super().environment() | {"BALANCER_PORT": f"127.0.0.1:{self.port}"}

    def command(self) -> list[str]:
        return [*self._program(), "-g", f"daemon off; pid {self._folder}/nginx.pid;"]

    def check_command(self) -> list[str]:
        return [*self._program(), "-g", f"pid {self._folder}/nginx.pid;", "-t"]

    async def is_ready(self) -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.get(self.url)).status_code == 404

    def _program(self) -> list[str]:
        self._fill_in()
        conf = str(self._folder / "nginx.conf")
        return [needed(self.kind), "-e", "stderr", "-p", str(self._folder), "-c", conf]

    def _fill_in(self) -> None:
        shutil.copy(DEPLOY / "nginx.conf", self._folder)
        (self._folder / "conf.d").mkdir(exist_ok=True)
        template = (DEPLOY / "nginx/templates/gateways.conf.template").read_text()
        # Only variables that are set are filled in: nginx has $names of its own.
        filled_in = Template(template).safe_substitute(self.environment())
        (self._folder / "conf.d/gateways.conf").write_text(filled_in)
