"""Programs forked from a process that has imported them run and end as their own would."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import prefork
from tests.support.environment import VALID
from tests.support.prefork import Forked, Request, start
from tests.support.role import ROOT, inherited_environment

pytestmark = pytest.mark.slow


@pytest.fixture(params=[True, False], ids=["forked", "spawned"], autouse=True)
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefork, "FORKS", request.param)


def started(log: Path, *arguments: str, **environment: str) -> Forked | subprocess.Popen[bytes]:
    environment = inherited_environment() | VALID | environment
    entry = "fanwire.cli:main" if arguments else "fanout.__main__:main"
    return start(entry, Request(environment, str(log), str(log), arguments))


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
    assert started(log, REALTIME_REDIS_URL="").wait(20) == alone.returncode == 78
    assert log.read_text() == f"before\n{alone.stderr.decode()}"


def test_it_runs_until_it_is_killed(tmp_path: Path) -> None:
    # Connected to nothing, it tries again and again.
    process = started(tmp_path / "log", REALTIME_REDIS_URL=f"unix://{tmp_path}/none")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.05)
    assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(20) == -signal.SIGKILL
    assert process.poll() == -signal.SIGKILL


def test_a_command_gets_its_arguments_and_its_exit_code_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert started(log, "errors", "1012").wait(20) == 0
    assert "draining" in log.read_text()
    assert started(log, "no-such-verb").wait(20) == 2
