"""Sees to it that the programs are there that the tests need: `python -S -m tests.runner.prepare`.

Ends with 0 once everything is there, else with the one command to run. What the installers
write is shown only if they fail.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.runner.needs import (
    NEEDS,
    CannotRun,
    Install,
    Machine,
    Ready,
    System,
    missing_needs,
    typed_command,
    verdict,
)
from tests.runner.programs import find_program, version_of


def main() -> None:
    """Install what is missing where that is allowed, or say how to."""
    machine = this_machine()
    match verdict(machine):
        case Ready():
            return
        case CannotRun(saying):
            sys.exit(saying)
        case Install(saying, commands):
            print(saying, flush=True)
            for command in commands:
                _run(command)
    match verdict(now := this_machine()):
        case Ready():
            return
        case CannotRun(saying):
            sys.exit(saying)
        case Install():
            sys.exit(f"still missing: {typed_command(missing_needs(now), now)}")


def this_machine() -> Machine:
    """Look at the machine that this runs on."""
    node = find_program("node")
    return Machine(
        system=system_of(sys.platform, _os_release()),
        found=frozenset(need.program for need in NEEDS if _is_here(need.program)),
        node_major=None if node is None else int(version_of(node).partition(".")[0]),
        is_root=os.geteuid() == 0,
        has_sudo=_sudo_lets_in(),
        has_systemd=Path("/run/systemd/system").is_dir(),
    )


def system_of(kernel: str, os_release: str) -> System:
    """Return which system it is by `sys.platform` and the text of /etc/os-release."""
    if kernel == "darwin":
        return "macos"
    named = dict(re.findall(r'^(ID|ID_LIKE)="?([^"\n]*)', os_release, re.MULTILINE))
    words = " ".join(named.values()).split()
    if "ubuntu" in words:
        return "ubuntu"
    return "debian" if "debian" in words else "other"


def _is_here(program: str) -> bool:
    if program == "ensurepip":
        return find_spec("ensurepip") is not None
    return find_program(program) is not None


def _os_release() -> str:
    try:
        return Path("/etc/os-release").read_text()
    except FileNotFoundError:
        return ""


def _sudo_lets_in() -> bool:
    if shutil.which("sudo") is None:
        return False
    asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return asked.returncode == 0


def _run(command: tuple[str, ...]) -> None:
    ran = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if ran.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{ran.stdout}{ran.stderr}failed: {ran.returncode}")


if __name__ == "__main__":
    main()
