"""The processes that `fanwire dev` starts, none of which may outlive it.

Each is asked to die with its parent (Linux), so that even `kill -9` of the stack leaves
nothing behind, and is in a session of its own, so that Ctrl-C reaches the stack alone and
the stack decides the order.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from fanwire.errors import RealtimeError

_KEPT_LINES: Final = 20
"""A traceback of a server that does not start, and not a screen more."""

_PR_SET_PDEATHSIG: Final = 1
"""As <sys/prctl.h> has it."""

_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


class ChildDied(RealtimeError):
    """A process ended that should have stayed."""

    name = "child_died"
    remedy = "Its last lines say why; `fanwire dev --verbose` shows all of them."


class Child:
    """One process and the last lines that it wrote."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)

    @property
    def last_lines(self) -> list[str]:
        """What it wrote last."""
        return list(self._lines)

    async def watch(self, on_line: Callable[[str, str], None]) -> None:
        """Read what it writes until it ends.

        Raises:
            ChildDied: When it has ended, with its last lines.
        """
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            text = line.decode(errors="replace").rstrip()
            self._lines.append(text)
            on_line(self.name, text)
        code = await self._process.wait()
        raise ChildDied(f"{self.name} ended with {_ending(code)}; {self._last_words()}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, if it still runs."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def wait(self) -> None:
        """Wait for its end."""
        await self._process.wait()

    def _last_words(self) -> str:
        if not self._lines:
            return "it wrote nothing"
        return "\n".join(["its last lines:", *(f"    {line}" for line in self._lines)])


async def start_child(
    name: str, command: Sequence[str], *, env: Mapping[str, str], cwd: Path
) -> Child:
    """Start a process whose life is tied to ours."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_die_with_parent,
    )
    return Child(name, process)


async def stop_children(children: Iterable[Child], *, grace_s: float) -> None:
    """End processes in order, and by force those that do not end in time."""
    children = list(children)
    for child in children:
        child.signal(signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(grace_s):
            await asyncio.gather(*(child.wait() for child in children))
    for child in children:
        child.signal(signal.SIGKILL)
    await asyncio.gather(*(child.wait() for child in children))


def _die_with_parent() -> None:
    # Between fork and exec: nothing here may allocate much or take a lock, hence the library
    # was opened at import.
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == 1:
            # The parent died before the request was made.
            os._exit(1)


def _ending(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
