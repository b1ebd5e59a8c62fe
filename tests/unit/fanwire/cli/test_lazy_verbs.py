"""Verbs are imported when they are run, and show as if they always were."""

import subprocess
import sys

import pytest

from fanwire.cli.app import VERBS
from fanwire.cli.lazy_verbs import Verb, imported
from tests.support.command_line import Run, running
from tests.support.source_tree import CHECKOUT

SHOW_MODULES = """
import sys
from fanwire.cli import main
try:
    main(sys.argv[1:])
finally:
    print(*sys.modules, file=sys.stderr)
"""
SLOW = {"fanwire.publish", "fanwire.subscribe", "httpx", "jwt", "redis", "websockets"}


@pytest.fixture
def fanwire(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    return running(capfdbinary)


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_the_line_about_a_verb_is_the_first_of_its_own_help(verb: Verb) -> None:
    assert imported(verb).help.partition("\n")[0] == verb.summary


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_a_verb_that_is_run_has_its_own_options(fanwire: Run, verb: Verb) -> None:
    ran = fanwire(verb.name, "--help")
    assert ran.code == 0
    assert f"fanwire {verb.name} " in ran.out
    assert len(ran.out.splitlines()) > 10, "a stand-in has --help alone"


@pytest.mark.slow
@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_import_no_verb_and_nothing_slow(argument: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SHOW_MODULES, argument],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    modules = set(ran.stderr.split())
    assert "fanwire.cli.app" in modules
    assert modules & (SLOW | {verb.module for verb in VERBS}) == set()


def test_a_misspelled_verb_is_answered_with_the_one_that_was_meant(fanwire: Run) -> None:
    ran = fanwire("pubb")
    assert ran.code == 2
    assert "pub" in ran.err.replace("pubb", "")


def test_the_version_is_that_of_the_package(fanwire: Run) -> None:
    ran = fanwire("--version")
    assert (ran.code, ran.out.split()[0]) == (0, "fanwire")
    assert ran.out.split()[1][0].isdecimal()
