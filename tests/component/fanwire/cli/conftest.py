"""The command line without a stack and without settings."""

from pathlib import Path

import pytest

from tests.support.command_line import Ran, Run, running

__all__ = ["Ran", "Run"]


@pytest.fixture(autouse=True)
def _no_stack_and_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for name in ("FANWIRE_URL", "FANWIRE_TOKEN", "REALTIME_REDIS_URL", "REALTIME_JWT_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    return running(capfdbinary)
