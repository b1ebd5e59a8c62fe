"""Runs the C programs of the benchmark and reads what they report."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from bench import build
from bench.programs import BenchProgram, Cores

READY_TIMEOUT_S = 120.0


class Sink:
    """Many counting clients on one core; see sink.c for the options."""

    def __init__(self, core: int, **options: str | float | Path | bool) -> None:
        arguments = []
        for name, value in options.items():
            if value is not False:
                arguments.append("--" + name.replace("_", "-"))
                arguments += [] if value is True else [str(value)]
        self.program = BenchProgram([build.sink(), *arguments], core=core)

    def wait_ready(self) -> None:
        """Return when every connection is open or has failed."""
        self.program.next_line(READY_TIMEOUT_S)

    def report(self, timeout_s: float = 120.0) -> dict[str, Any]:
        """Wait until it has counted what it was to count, and return its report."""
        return _json(self.program.result(timeout_s))

    def stop(self) -> dict[str, Any]:
        """End it and return its report."""
        self.program.terminate()
        return self.report()


def run_loop(
    command: Sequence[str | Path],
    cores: Cores,
    *,
    connections: int,
    rounds: int,
    frame_bytes: int = 512,
    **sink_options: float | bool,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a program that writes in rounds against a sink, by default a raw one.

    Returns what the program and the sink report.
    """
    arguments = [str(number) for number in (0, connections, rounds, frame_bytes)]
    with BenchProgram([*command, *arguments], core=cores.server) as loop:
        port = int(loop.next_line(10).split()[1])
        options = {"raw": True, "duration_s": 60, "frame_bytes": frame_bytes} | sink_options
        sink = Sink(cores.load, port=port, connections=connections, **options)
        sink.wait_ready()
        return _json(loop.result(120)), sink.report()


def _json(text: str) -> dict[str, Any]:
    report: dict[str, Any] = orjson.loads(text)
    return report
