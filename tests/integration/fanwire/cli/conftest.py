"""The command as a process against a real server: `await ask("topics", "acme")`."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.integration.fanout.conftest import StartWorker, desk, start_worker
from tests.support.command_line import Ran
from tests.support.role import ROOT, inherited_environment

__all__ = ["StartWorker", "desk", "start_worker"]

PATIENCE_S: Final = 20.0

Ask = Callable[..., Awaitable[Ran]]


async def run_process(arguments: tuple[str, ...], env: Mapping[str, str]) -> Ran:
    """Run `fanwire` in a process of its own; a traceback fails the test."""
    command = (sys.executable, "-m", "fanwire.cli", *arguments)
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=PIPE
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
    assert b"Traceback" not in err, err.decode()
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


@pytest.fixture
def ask(redis_url: str, key_prefix: str, tmp_path: Path) -> Ask:
    """Run a verb on the session's server, under the test's prefix; `env` adds settings."""
    own = {
        # Where no development stack has left word of itself.
        "XDG_RUNTIME_DIR": str(tmp_path),
        "REALTIME_REDIS_URL": redis_url,
        "REALTIME_KEY_PREFIX": key_prefix,
    }

    async def asks(*arguments: str, env: Mapping[str, str] | None = None) -> Ran:
        return await run_process(arguments, inherited_environment() | own | dict(env or {}))

    return asks
