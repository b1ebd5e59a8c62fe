"""A plugin of pytest that writes down what ran, on which engine, and for how long.

`make test` is several runs, so each adds a line for each of its tests to one file, which
FANWIRE_TALLY names, and `tests/runner/summary.py` reads them all. Without it nothing is written.
"""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import pytest

Outcome = Literal["passed", "failed", "skipped"]

NO_SERVER: Final = "no server"
ENGINES: Final = {"valkey": "Valkey", "redis7": "Redis"}
_ENGINE: Final = "engine"
_GROUP: Final = re.compile(r"@[\w-]*$")
"""What pytest-xdist adds to the name of a test that shares a stack."""


@dataclass
class Result:
    """What became of a test."""

    test: str
    engine: str = NO_SERVER
    outcome: Outcome = "passed"
    seconds: float = 0.0
    reason: str = ""
    """Why it was skipped."""


def engine_of(fixtures: frozenset[str], parameter: str | None, *, is_marked: bool) -> str:
    """Return what a test runs on, by its fixtures, its engine parameter and the mark `valkey`."""
    if "browser" in fixtures:
        return "Chromium"
    if parameter is not None:
        return ENGINES[parameter]
    return "Valkey" if is_marked or "valkey_url" in fixtures else NO_SERVER


def engine_parameter(item: pytest.Item) -> str | None:
    """Return which engine a test is run on, if it is run on each in turn."""
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("engine") if callspec else None


def count_into(path: Path, config: pytest.Config) -> None:
    """Have a run written down; the workers of pytest-xdist report to the process that writes."""
    config.pluginmanager.register(_Engines())
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Tally(path))


class _Engines:
    """Tells with each report what the test ran on; only the process that runs it knows."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Add to what is reported of the test."""
        engine = engine_of(
            frozenset(getattr(item, "fixturenames", ())),
            engine_parameter(item),
            is_marked=item.get_closest_marker("valkey") is not None,
        )
        item.user_properties.append((_ENGINE, engine))


class _Tally:
    """Adds a line to the file for each test that has ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._running: dict[str, Result] = {}
        self._unreadable: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take a phase of a test into account, and write the test down after its last."""
        name = _GROUP.sub("", report.nodeid)
        result = self._running.setdefault(report.nodeid, Result(name))
        result.seconds += report.duration
        result.engine = str(dict(report.user_properties).get(_ENGINE, result.engine))
        if report.failed:
            result.outcome = "failed"
        elif report.skipped and result.outcome != "failed":
            result.outcome, result.reason = "skipped", _reason(report)
        if report.when == "teardown":
            self._write(self._running.pop(report.nodeid))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Write down a file that could not be read, or that left itself out."""
        # Each worker reports it.
        if not report.passed and report.nodeid not in self._unreadable:
            self._unreadable.add(report.nodeid)
            outcome: Outcome = "failed" if report.failed else "skipped"
            self._write(Result(report.nodeid, outcome=outcome, reason=_reason(report)))

    def pytest_sessionfinish(self) -> None:
        """Write down those that never came to their end, as failed."""
        for result in self._running.values():
            result.outcome = "failed"
            self._write(result)
        self._running.clear()

    def _write(self, result: Result) -> None:
        # One short write in append mode: runs side by side do not mix their lines.
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(result)) + "\n")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return ""
