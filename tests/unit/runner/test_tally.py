"""What a run of pytest writes down, with and without workers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runner.summary import read_tally
from tests.support.source_tree import CHECKOUT

CONFTEST = """
import os
from pathlib import Path
from tests.runner.tally import count_into

def pytest_configure(config):
    count_into(Path(os.environ["TALLY_HERE"]), config)
"""
TESTS = """
import pytest

@pytest.fixture(params=["valkey", "redis7"])
def engine(request):
    return request.param

@pytest.fixture
def broken():
    yield
    raise RuntimeError

def test_passes(engine):
    pass

def test_skips():
    pytest.skip("no reason")

def test_fails():
    assert False

def test_fails_at_its_end(broken):
    pass
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "2"])
def test_every_test_is_written_down_once(workers: str, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").touch()
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "test_unreadable.py").write_text("import nothing_of_the_kind")
    tally = tmp_path / "tally.jsonl"
    command = [sys.executable, "-m", "pytest", "-n", workers, "--continue-on-collection-errors"]
    ran = subprocess.run(
        [*command, "-p", "xdist", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env=os.environ
        | {
            "PYTHONPATH": str(CHECKOUT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "TALLY_HERE": str(tally),
        },
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stdout
    found = {each.test.partition("::")[2]: each for each in read_tally(tally)}
    assert len(read_tally(tally)) == len(found) == 6
    assert {name: (each.outcome, each.engine) for name, each in found.items()} == {
        "test_passes[valkey]": ("passed", "Valkey"),
        "test_passes[redis7]": ("passed", "Redis"),
        "test_skips": ("skipped", "no server"),
        "test_fails": ("failed", "no server"),
        "test_fails_at_its_end": ("failed", "no server"),
        "": ("failed", "no server"),
    }
    assert found["test_skips"].reason == "no reason"
