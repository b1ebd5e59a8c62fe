"""The last lines of `make test`."""

import json
from dataclasses import asdict
from pathlib import Path

from tests.runner.summary import (
    NOT_HERE,
    failures_of,
    read_tally,
    read_vitest,
    result_lines,
    slowest_lines,
)
from tests.runner.tally import Result, engine_of

PASSED = Result("a.py::test_it[valkey]", "Valkey", seconds=1.5)
PLAIN = Result("b.py::test_it")
FAILED = Result("c.py::test_it", "Redis", "failed")
SKIPPED = Result("d.py::test_it", "Redis", "skipped", reason="redis-server is not installed")
EXCUSED = Result("e.py::test_it", outcome="skipped", reason=f"{NOT_HERE}it is a Mac")


def lines(*results: Result, may_skip: bool = False, status: int = 0) -> list[str]:
    failures = failures_of(results, status=status, may_skip=may_skip)
    return list(result_lines(results, failures, [], lambda engine: f"v-{engine[0]}"))


def test_it_says_how_many_ran_on_which_engine_and_ends_as_a_test_runner_does() -> None:
    assert lines(PASSED, PLAIN, PLAIN)[-2:] == [
        "ran      Valkey v-V: 1   Redis v-R: 0   Chromium v-C: 0   Node v-N: 0   no server v-n: 2",
        "3 passed, 0 failed",
    ]


def test_a_test_that_failed_is_named_and_counted() -> None:
    last = lines(PASSED, FAILED, status=2)
    assert "failed   c.py::test_it" in last
    assert last[-1] == "1 passed, 1 failed"


def test_a_skipped_test_is_named_with_its_reason_and_fails_the_run() -> None:
    last = lines(PASSED, SKIPPED)
    assert "skipped  1: redis-server is not installed" in last
    assert "         d.py::test_it" in last
    assert "failed   d.py::test_it, skipped" in last
    assert last[-1] == "1 passed, 1 failed"


def test_many_skipped_tests_of_a_file_are_one_line() -> None:
    last = lines(SKIPPED, Result("d.py::test_more", "Redis", "skipped", reason=SKIPPED.reason))
    assert "skipped  2: redis-server is not installed" in last
    assert "         d.py: 2" in last


def test_a_run_of_what_is_possible_may_skip_and_still_says_what() -> None:
    last = lines(PASSED, SKIPPED, may_skip=True)
    assert "skipped  1: redis-server is not installed" in last
    assert last[-1] == "1 passed, 0 failed"


def test_what_the_system_cannot_have_is_named_and_forgiven() -> None:
    last = lines(PASSED, EXCUSED)
    assert f"skipped  1: {EXCUSED.reason}" in last
    assert last[-1] == "1 passed, 0 failed"


def test_a_step_that_is_no_test_fails_the_run_too() -> None:
    assert lines(PASSED, status=2)[-1] == "1 passed, 1 failed"


def test_a_step_that_was_left_out_is_named() -> None:
    assert "left out make frontend" in result_lines([], [], ["make frontend"], str)


def test_the_slowest_are_shown_first_and_no_more_than_twenty() -> None:
    results = [Result(f"{n}.py", seconds=float(n)) for n in range(30)]
    shown = list(slowest_lines(results))
    assert shown[0] == "\nthe slowest 20"
    assert shown[1] == "  29.0 s  29.py"
    assert len(shown) == 21


def test_what_a_run_wrote_down_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "tally.jsonl"
    assert read_tally(file) == []
    file.write_text("".join(json.dumps(asdict(each)) + "\n" for each in (PASSED, SKIPPED)))
    assert read_tally(file) == [PASSED, SKIPPED]


def test_vitest_is_read_as_it_writes(tmp_path: Path) -> None:
    file = tmp_path / "vitest.json"
    assert read_vitest(file) == []
    tests = [
        {"fullName": "a passes", "status": "passed", "duration": 250.0},
        {"fullName": "b fails", "status": "failed", "duration": None},
        {"fullName": "c is left", "status": "pending"},
    ]
    file.write_text(json.dumps({"testResults": [{"name": "x.test.ts", "assertionResults": tests}]}))
    found = read_vitest(file)
    assert [(each.test, each.outcome) for each in found] == [
        ("x.test.ts::a passes", "passed"),
        ("x.test.ts::b fails", "failed"),
        ("x.test.ts::c is left", "skipped"),
    ]
    assert found[0].seconds == 0.25
    assert {each.engine for each in found} == {"Node"}


def test_the_engine_of_a_test_is_told_by_its_fixtures_its_parameter_or_its_mark() -> None:
    none: frozenset[str] = frozenset()
    assert engine_of(none, None, is_marked=False) == "no server"
    assert engine_of(none, None, is_marked=True) == "Valkey"
    assert engine_of(frozenset({"valkey_url"}), None, is_marked=False) == "Valkey"
    assert engine_of(frozenset({"engine"}), "redis7", is_marked=False) == "Redis"
    assert engine_of(frozenset({"browser", "engine"}), "valkey", is_marked=False) == "Chromium"
