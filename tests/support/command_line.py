"""The command line, run as a user runs it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from fanwire.cli import main


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What it printed with `--json`."""
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Ran]


def running(capture: pytest.CaptureFixture[bytes]) -> Run:
    """Return what runs a command in this process; a traceback fails the test."""

    def runs(*arguments: str) -> Ran:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        captured = capture.readouterr()
        assert b"Traceback" not in captured.err
        return Ran(int(str(ended.value.code)), captured.out.decode(), captured.err.decode())

    return runs
