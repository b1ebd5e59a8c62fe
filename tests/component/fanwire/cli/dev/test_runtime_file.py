"""Word of a running stack."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fanwire.cli.dev.runtime_file import DevStack, announce, running_stack, runtime_folder, withdraw


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "fanwire"


def a_stack(pid: int) -> DevStack:
    return DevStack(pid, "unix:///r", "ws://h", "acme", "secret", "iss", "aud")


def test_a_running_stack_is_found_until_it_takes_its_word_back() -> None:
    assert running_stack() is None
    announce(a_stack(os.getpid()))
    assert running_stack() == a_stack(os.getpid())
    withdraw(os.getpid())
    assert running_stack() is None


def test_the_file_with_the_secret_is_for_its_user_alone(folder: Path) -> None:
    announce(a_stack(os.getpid()))
    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "dev.json").stat().st_mode & 0o077 == 0


def test_a_stack_that_was_killed_counts_as_absent() -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    announce(a_stack(dead.pid))
    assert running_stack() is None


def test_a_stack_does_not_take_back_the_word_of_another() -> None:
    announce(a_stack(os.getpid()))
    withdraw(os.getpid() + 1)
    assert running_stack() is not None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid":1}', '{"another":"version"}'])
def test_a_file_that_cannot_be_read_counts_as_absent(folder: Path, text: str) -> None:
    runtime_folder()
    (folder / "dev.json").write_text(text)
    assert running_stack() is None


def test_a_folder_that_others_can_read_is_not_trusted(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(PermissionError):
        runtime_folder()
