"""Programs under measurement: each pinned to one core, with what it used of it.

Server and load each get a core of their own. On one core they would take turns, and a
slow generator would look like a slow server.
"""

import os
import resource
import selectors
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final, NamedTuple, Self

TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
STOP_TIMEOUT_S: Final = 15.0


class Unmeasurable(Exception):
    """The machine, or a program on it, does not allow the measurement."""


class Cores(NamedTuple):
    """Who runs where."""

    server: int
    load: int


def pick_cores() -> Cores:
    """Return one core for the program under measurement, and one for all else.

    Raises:
        Unmeasurable: If this machine gives us fewer than two, or no say in it.
    """
    if sys.platform != "linux":
        raise Unmeasurable("the benchmark needs Linux: epoll, /proc and cores to choose from")
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise Unmeasurable("the benchmark needs two cores: one for the server, one for the load")
    return Cores(server=allowed[0], load=allowed[1])


def raise_file_limit(needed: int) -> None:
    """Raise the soft limit of open files, which children inherit, as far as allowed.

    Raises:
        Unmeasurable: If the hard limit is below `needed`.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise Unmeasurable(f"{needed} open files needed, `ulimit -Hn` is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class BenchProgram:
    """A child pinned to a core. Its stderr goes to a file, or is read line by line."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        core: int,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
    ) -> None:
        self.log = log
        with _opened(log) as stderr:
            self._child = subprocess.Popen(
                [*map(str, command)],
                env=env,
                stdout=subprocess.PIPE if log is None else stderr,
                stderr=stderr,
                text=True,
            )
        os.sched_setaffinity(self._child.pid, {core})  # long before it starts a thread

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def is_running(self) -> bool:
        return self._child.poll() is None

    def cpu_s(self) -> float:
        """Return the processor time of all its threads, in steps of a tick (10 ms)."""
        # The name in brackets may hold spaces; the numbers are counted from behind it.
        fields = self._proc("stat").rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def rss_bytes(self) -> int:
        """Return its resident memory."""
        return int(self._proc("statm").split()[1]) * resource.getpagesize()

    def write_calls(self) -> int:
        """Return how often it called write(2), on sockets too; send(2) is not counted."""
        lines = dict(line.split(": ") for line in self._proc("io").splitlines())
        return int(lines["syscw"])

    def next_line(self, timeout_s: float) -> str:
        """Return the next line of its stderr.

        Raises:
            Unmeasurable: If none comes in time.
        """
        stream = self._child.stderr
        assert stream is not None
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            if not selector.select(timeout_s):
                raise Unmeasurable(f"{self._child.args!r} said nothing for {timeout_s:.0f} s")
        return stream.readline()

    def result(self, timeout_s: float) -> str:
        """Wait for its end and return its stdout.

        Raises:
            Unmeasurable: If it does not end in time, or fails.
        """
        try:
            stdout, stderr = self._child.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise Unmeasurable(f"{self._child.args!r} ran over {timeout_s:.0f} s") from None
        if self._child.returncode:
            raise Unmeasurable(f"{self._child.args!r} failed: {stderr or self.log}")
        return stdout

    def terminate(self) -> None:
        """Ask it to end."""
        self._child.terminate()

    def stop(self) -> None:
        """End it, by force if it does not listen."""
        self._child.terminate()
        try:
            self._child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for stream in (self._child.stdout, self._child.stderr):
            if stream is not None:
                stream.close()

    def _proc(self, name: str) -> str:
        return Path(f"/proc/{self._child.pid}/{name}").read_text()


class _Piped:
    """Stands in for a log file: stderr becomes a pipe."""

    def __enter__(self) -> int:
        return subprocess.PIPE

    def __exit__(self, *_: object) -> None:
        return None


def _opened(log: Path | None) -> "_Piped | IO[str]":
    return _Piped() if log is None else log.open("a")
