"""The command as a process against a real server: `await ask("topics", "acme")`."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import pytest

from tests.integration.fanout.conftest import StartWorker, desk, start_worker
from tests.support.command_line import Ran
from tests.support.prefork import Request, start
from tests.support.role import inherited_environment

__all__ = ["StartWorker", "desk", "start_worker"]

PATIENCE_S: Final = 20.0

Ask = Callable[..., Awaitable[Ran]]


async def run_process(arguments: tuple[str, ...], env: Mapping[str, str], folder: Path) -> Ran:
    """Run `fanwire` in a process of its own; a traceback fails the test."""
    out, err = (folder / name for name in ("out", "err"))
    process = start("fanwire.cli:main", Request(env, str(out), str(err), arguments))
    try:
        code = await asyncio.to_thread(process.wait, PATIENCE_S)
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
    assert "Traceback" not in err.read_text()
    return Ran(code, out.read_text(), err.read_text())


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
        environment = inherited_environment() | own | dict(env or {})
        return await run_process(arguments, environment, Path(mkdtemp(dir=tmp_path)))

    return asks
