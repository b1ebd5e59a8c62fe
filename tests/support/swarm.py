"""Thousands of clients in a process of their own, from the side of the test."""

import asyncio
import resource
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import orjson

from tests.support.role import ROOT, inherited_environment
from tests.support.waiting import eventually

Moment = tuple[float, str]


@dataclass(frozen=True)
class SwarmReport:
    """What has happened to all clients so far; `Books` says what the fields are."""

    hellos: list[Moment]
    drains: list[Moment]
    ends: dict[str, int]
    longest_stall_s: float
    fault_count: int
    faults: list[str]
    nodes: dict[str, int]
    """Clients of each node now."""
    next_numbers: dict[str, int]
    """How many clients expect which number next."""

    @property
    def connected_count(self) -> int:
        """Clients that were greeted and have not ended."""
        return sum(self.nodes.values())

    @property
    def summary(self) -> str:
        """What to show of it when something is wrong."""
        numbers = dict(list(self.next_numbers.items())[:5])
        return (
            f"at {self.nodes}, next {numbers}, ends {self.ends}, {self.fault_count} faults, "
            f"the swarm stood still for {self.longest_stall_s:.1f} s"
        )

    def check_whole(self, count: int, clients: int) -> None:
        """Fail unless every client has had every number below `count`, once and in order."""
        assert self.fault_count == 0, self.faults
        assert self.next_numbers == {str(count): clients}


class Swarm:
    """The clients live inside its `async with` block."""

    def __init__(self, url: str, tokens: Sequence[str], *, clients: int, service: str) -> None:
        self.count = clients
        plan = {"url": url, "tokens": list(tokens), "clients": clients, "service": service}
        self._plan = orjson.dumps(plan)
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: ASYNC220 (it returns at once)
            [sys.executable, "-m", "tests.support.swarm_process"],
            cwd=ROOT,
            env=inherited_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._write(self._plan)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        await asyncio.to_thread(self._process.communicate)

    async def report(self) -> SwarmReport:
        """Ask what has happened so far."""
        assert self._process is not None
        assert self._process.stdout is not None
        self._write(b"report")
        line = await asyncio.to_thread(self._process.stdout.readline)
        assert line, "the swarm has died"
        fields: dict[str, Any] = orjson.loads(line)
        moments = {name: [tuple(one) for one in fields[name]] for name in ("hellos", "drains")}
        return SwarmReport(**fields | moments)

    async def until(
        self, condition: Callable[[SwarmReport], bool], timeout_s: float, *, what: str
    ) -> SwarmReport:
        """Return the first report that meets the condition."""

        async def look() -> SwarmReport:
            report = await self.report()
            assert condition(report), report.summary
            return report

        return await eventually(look, timeout_s, every_s=0.2, what=what)

    async def all_connected(self, timeout_s: float) -> SwarmReport:
        """Return when every client has been greeted."""
        return await self.until(
            lambda report: report.connected_count == self.count, timeout_s, what="every hello"
        )

    async def all_have(self, count: int, timeout_s: float) -> SwarmReport:
        """Return when every number below `count` has come to everybody, once and in order."""

        def are_there(report: SwarmReport) -> bool:
            return report.fault_count > 0 or set(report.next_numbers) == {str(count)}

        report = await self.until(are_there, timeout_s, what=f"number {count - 1}")
        report.check_whole(count, self.count)
        return report

    def _write(self, line: bytes) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()


def busiest_second(moments: Iterable[float]) -> int:
    """Return how many of the moments, in seconds, one second can hold at most."""
    ordered = sorted(moments)
    counts = (bisect_left(ordered, at + 1) - n for n, at in enumerate(ordered))
    return max(counts, default=0)


@contextmanager
def room_for_descriptors(wanted: int) -> Iterator[bool]:
    """Raise this process's limit, which its children inherit; yield whether that sufficed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    granted = wanted if hard == resource.RLIM_INFINITY else min(max(wanted, soft), hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(granted, soft), hard))
    try:
        yield granted >= wanted
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
