"""The command line, run as a user runs it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fanwire.cli import main


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _no_stack_and_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for name in ("FANWIRE_URL", "FANWIRE_TOKEN", "REALTIME_REDIS_URL", "REALTIME_JWT_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    def runs(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        captured = capfdbinary.readouterr()
        assert b"Traceback" not in captured.err
        return Ran(int(str(ended.value.code)), captured.out.decode(), captured.err.decode())

    return runs
