"""`python -m demo` as a process: its page is there before any server is."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.support.role import ROOT, inherited_environment
from tests.support.waiting import eventually, free_port

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SETTINGS: Final = {
    "REALTIME_REDIS_URL": "unix:///nowhere",
    "REALTIME_JWT_SECRET": "dev-secret-of-a-demo-which-is-long-enough",
    "REALTIME_JWT_ISSUER": "issuer",
    "REALTIME_JWT_AUDIENCE": "audience",
}


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    (tmp_path / "index.html").write_text("<title>Keyring</title>")
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "demo", "--gateway", f"ws://127.0.0.1:{free_port()}"),
        *("--page", str(tmp_path), "--port", str(port)),
        cwd=ROOT,
        env=inherited_environment() | SETTINGS,
        stderr=asyncio.subprocess.PIPE,
    )
    yield process, f"http://127.0.0.1:{port}"
    if process.returncode is None:
        process.kill()
    await process.communicate()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
async def test_its_page_and_tokens_are_there_before_the_servers_are_until_a_signal_ends_it(
    demo: tuple[asyncio.subprocess.Process, str], end: signal.Signals
) -> None:
    process, url = demo
    async with httpx.AsyncClient(base_url=url, trust_env=False) as browser:

        async def is_served() -> bool:
            with suppress(httpx.TransportError):
                return "Keyring" in (await browser.get("/")).text
            return False

        await eventually(is_served, 20)
        way_in = (await browser.get("/dev/token")).json()
        assert way_in["url"].startswith("ws://127.0.0.1:")
        assert (await browser.get("/dev/state/tasks")).json()["events"]
        # The browser's connection is open: the end must not wait for it.
        process.send_signal(end)
        async with asyncio.timeout(5):
            assert await process.wait() == -end
