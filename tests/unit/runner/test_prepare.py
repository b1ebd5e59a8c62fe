"""Which system it is, and where its programs are."""

from pathlib import Path

import pytest

from tests.runner.prepare import system_of
from tests.runner.programs import SBIN, find_program, first_version

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n'
UBUNTU = 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n'
MINT = 'ID=linuxmint\nID_LIKE="ubuntu debian"\n'
FEDORA = 'ID=fedora\nVARIANT_ID="debian"\n'


@pytest.mark.parametrize(
    ("kernel", "os_release", "system"),
    [
        ("linux", DEBIAN, "debian"),
        ("linux", UBUNTU, "ubuntu"),
        ("linux", MINT, "ubuntu"),
        ("linux", FEDORA, "other"),
        ("linux", "", "other"),
        ("darwin", "", "macos"),
    ],
)
def test_a_system_is_known_by_its_id_or_what_it_is_like(
    kernel: str, os_release: str, system: str
) -> None:
    assert system_of(kernel, os_release) == system


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "7.0.15"),
        ("Chromium 156.0.7420.1 built on Debian GNU/Linux 12", "156.0.7420.1"),
        ("v20.20.2", "20.20.2"),
        ("usage: none", ""),
    ],
)
def test_the_version_is_the_first_thing_that_looks_like_one(said: str, version: str) -> None:
    assert first_version(said) == version


def an_executable(path: Path) -> str:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_a_program_is_found_on_the_path_and_by_its_other_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program("fanwire-none") is None
    there = an_executable(tmp_path / "fanwire-none")
    assert find_program("fanwire-none") == there
    monkeypatch.setattr("tests.runner.programs.ALIASES", {"browser": ("it", "fanwire-none")})
    assert find_program("browser") == there


def test_a_program_is_found_where_debian_puts_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "/usr/sbin" in SBIN
    monkeypatch.setattr("tests.runner.programs.SBIN", (str(tmp_path),))
    there = an_executable(tmp_path / "fanwire-server")
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_program("fanwire-server") == there
