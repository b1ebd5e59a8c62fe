"""Servers forked from a process that has imported them end as their own processes would."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import VALID
from tests.support.prefork import start
from tests.support.role import ROOT, inherited_environment

pytestmark = pytest.mark.slow


def test_it_says_and_ends_with_what_a_process_of_its_own_does(tmp_path: Path) -> None:
    environment = inherited_environment() | VALID | {"REALTIME_REDIS_URL": ""}
    alone = subprocess.run(
        [sys.executable, "-m", "fanout"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        check=False,
    )
    log = tmp_path / "log"
    log.write_text("before\n")
    assert start("fanout", environment, log).wait(20) == alone.returncode == 78
    assert log.read_text() == f"before\n{alone.stderr.decode()}"


def test_it_runs_until_it_is_killed(tmp_path: Path) -> None:
    # Connected to nothing, it tries again and again.
    address = {"REALTIME_REDIS_URL": f"unix://{tmp_path}/none"}
    process = start("fanout", inherited_environment() | VALID | address, tmp_path / "log")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.05)
    assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(20) == -signal.SIGKILL
    assert process.poll() == -signal.SIGKILL
