"""Children live no longer than they should."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fanwire.cli.dev.child import Child, ChildDied, start_child, stop_children

STUBBORN = (
    "import signal,time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
)


async def start(code: str) -> Child:
    command = [sys.executable, "-u", "-c", code]
    return await start_child("child", command, env=os.environ, cwd=Path())


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def test_a_child_that_dies_is_named_with_its_last_lines() -> None:
    lines: list[tuple[str, str]] = []
    child = await start("print('first'); print('last'); raise SystemExit(78)")
    with pytest.raises(ChildDied, match=r"child ended with exit code 78(.|\n)*first\n +last"):
        await child.watch(lambda name, line: lines.append((name, line)))
    assert lines == [("child", "first"), ("child", "last")]


async def test_a_killed_child_is_named_by_its_signal() -> None:
    child = await start("import time; time.sleep(60)")
    child.signal(signal.SIGKILL)
    with pytest.raises(ChildDied, match=r"child ended with SIGKILL; it wrote nothing$"):
        await child.watch(lambda *_: None)


async def test_a_child_that_ignores_the_request_is_ended_by_force() -> None:
    child = await start(STUBBORN)
    up = asyncio.Event()
    watching = asyncio.ensure_future(child.watch(lambda *_: up.set()))
    await asyncio.wait_for(up.wait(), 10)
    await asyncio.wait_for(stop_children([child], grace_s=0.05), 5)
    assert not is_running(child.pid)
    with pytest.raises(ChildDied):
        await watching


@pytest.mark.skipif(sys.platform != "linux", reason="not on this system: only Linux ties a child")
@pytest.mark.slow
def test_a_killed_parent_leaves_no_child_behind() -> None:
    code = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from fanwire.cli.dev.child import start_child\n"
        "async def main():\n"
        "    command = [sys.executable, '-c', 'import time; time.sleep(60)']\n"
        "    child = await start_child('c', command, env=os.environ, cwd=Path())\n"
        "    print(child.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
        parent.wait()
    assert _ends(pid)


def _ends(pid: int) -> bool:
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], 5)[0])
    finally:
        os.close(pidfd)
