"""The listener processes, from the side of the one who measures."""

import select
import subprocess
import sys
import time
from collections.abc import Iterable
from typing import IO, Any, Final

import orjson

from fanwire.cli.bench.listener import ListenerPlan
from fanwire.cli.bench.tally import Tally
from fanwire.errors import RealtimeError, Unreachable


class ListenerFailed(RealtimeError):
    """A subscriber of the benchmark gave up."""

    name = "listener_failed"


_SLACK_S: Final = 5.0
"""For a process to start and to answer on a busy machine, beside what its plan allows."""


class Listeners:
    """A context manager: the processes end with the block."""

    def __init__(self, plans: Iterable[ListenerPlan]) -> None:
        self._plans = list(plans)
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Listeners":
        command = [sys.executable, "-m", "fanwire.cli.bench.listener"]
        for plan in self._plans:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self._running.append(process)
            _write(process, plan.encode())
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running:
            process.kill()
            process.communicate()

    def await_ready(self) -> None:
        """Wait until every socket is connected. Raises RealtimeError."""
        deadline_s = time.monotonic() + self._plans[0].connect_s + _SLACK_S
        for process in self._running:
            _answer(process, deadline_s)

    def settle(self, sent: dict[str, list[int]]) -> Tally:
        """Tell what was sent, wait for it to arrive, and return what was heard."""
        for process in self._running:
            _write(process, orjson.dumps(sent) + b"\n")
        deadline_s = time.monotonic() + self._plans[0].patience_s + _SLACK_S
        total = Tally()
        for process in self._running:
            total.merge(Tally.from_dict(_answer(process, deadline_s)))
        return total


def _write(process: subprocess.Popen[bytes], line: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(line)
    process.stdin.flush()


def _answer(process: subprocess.Popen[bytes], deadline_s: float) -> dict[str, Any]:
    assert process.stdout is not None
    line = _line(process.stdout, deadline_s)
    if not line:
        raise ListenerFailed("a subscriber process ended early")
    fields: dict[str, Any] = orjson.loads(line)
    if "error" in fields:
        raise Unreachable(fields["error"])
    return fields


def _line(stream: IO[bytes], deadline_s: float) -> bytes:
    left_s = max(0.0, deadline_s - time.monotonic())
    if not select.select([stream], [], [], left_s)[0]:
        raise ListenerFailed("a subscriber process does not answer")
    return stream.readline()
