"""A gateway or a fanout worker as a process of its own, with its deaths."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx

from tests.support.prefork import Forked, Request, start

ROOT: Final = Path(__file__).parents[2]
OUR_PREFIXES: Final = ("REALTIME_", "GATEWAY_", "FANOUT_")


class Role:
    """One process of the stack."""

    def __init__(
        self, module: str, name: str, *, env: Mapping[str, str], internal_port: int, folder: Path
    ) -> None:
        self.name = name
        self.internal_url = f"http://127.0.0.1:{internal_port}"
        self._module = module
        self._env = env
        self._stderr_path = folder / f"{name}.stderr"
        self._process: Forked | subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start the process and wait until it is ready."""
        self.spawn()
        await self.until_ready()

    def spawn(self) -> None:
        """Start the process and do not wait."""
        environment = inherited_environment() | dict(self._env)
        log = str(self._stderr_path)
        self._process = start(f"{self._module}.__main__:main", Request(environment, log, log))

    async def until_ready(self, timeout_s: float = 20) -> None:
        """Wait until `/readyz` says yes."""
        async with httpx.AsyncClient() as client:
            for _ in range(int(timeout_s / 0.05)):
                assert self.is_running, f"{self.name} ended:\n{self.stderr[-3000:]}"
                if await self._answers(client):
                    return
                await asyncio.sleep(0.05)
        raise AssertionError(f"{self.name} did not become ready:\n{self.stderr[-3000:]}")

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the running process."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    @property
    def stderr(self) -> str:
        """Everything it has written so far, over all its lives."""
        return self._stderr_path.read_text(errors="replace") if self._stderr_path.exists() else ""

    def kill(self) -> None:
        """End it as a crash would: kill -9."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(5)

    def terminate(self) -> None:
        """Ask it to stop in order; `wait` says how it ended."""
        self._signal(signal.SIGTERM)

    def pause(self) -> None:
        """Stop it from running, with every connection left open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run on."""
        self._signal(signal.SIGCONT)

    async def wait(self, timeout_s: float = 15) -> int:
        """Return the exit code once it has ended."""
        assert self._process is not None, f"{self.name} was never started"
        return await asyncio.to_thread(self._process.wait, timeout_s)

    async def stop(self, timeout_s: float = 15) -> None:
        """End it in order, or by force if it does not end in time."""
        if not self.is_running:
            return
        self.resume()
        self.terminate()
        try:
            await self.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} ignored SIGTERM:\n{self.stderr[-3000:]}") from None

    async def _answers(self, client: httpx.AsyncClient) -> bool:
        try:
            return (await client.get(f"{self.internal_url}/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(self._process.pid, number)


def inherited_environment() -> dict[str, str]:
    """Return the environment of the tests without any of our settings."""
    # A setting in the developer's shell must not reach the processes under test.
    return {name: value for name, value in os.environ.items() if not name.startswith(OUR_PREFIXES)}
