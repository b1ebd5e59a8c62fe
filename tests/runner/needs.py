"""What the tests need from the system, and what to do about what is missing.

Every decision is a function of a `Machine`; `prepare.py` looks at the real one and acts. Only
the standard library: `make test` asks before there is an environment.

Rejected: skipping what is missing. A test that did not run looks like a promise that was kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

System = Literal["debian", "ubuntu", "macos", "other"]

OLDEST_NODE: Final = 20
"""As frontend/package.json says."""


@dataclass(frozen=True)
class Need:
    """A program, why the tests run it, and which package has it."""

    program: str
    why: str
    apt: str
    brew: str
    is_server: bool = False
    """Whether Debian would start a service of the package's name."""


NEEDS: Final = (
    Need("redis-server", "Redis 7 beside Valkey", "redis-server", "redis", is_server=True),
    Need("haproxy", "a balancer of deploy/", "haproxy", "haproxy", is_server=True),
    Need("nginx", "the other balancer", "nginx", "nginx", is_server=True),
    Need("promtool", "tries the alerts", "prometheus", "prometheus", is_server=True),
    Need("chromium", "opens the demo", "chromium", "google-chrome"),
    Need("npm", "the TypeScript SDK", "npm", "node"),
    Need("ensurepip", "makes .venv", "python3-venv", "python"),
)
CASKS: Final = frozenset({"google-chrome"})
UBUNTU: Final = {"chromium": "chromium-browser"}
"""Where Ubuntu's packages have other names than Debian's."""


@dataclass(frozen=True)
class Machine:
    """What was found on a machine."""

    system: System
    found: frozenset[str]
    """Those programs of `NEEDS` that are there."""
    node_major: int | None = None
    is_root: bool = False
    has_sudo: bool = False
    """Whether sudo lets the user in without a password."""
    has_systemd: bool = False


@dataclass(frozen=True)
class Ready:
    """Everything is there."""


@dataclass(frozen=True)
class Install:
    """Say this, then run these commands."""

    saying: str
    commands: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class CannotRun:
    """Say this, and run no test."""

    saying: str


Verdict = Ready | Install | CannotRun


def verdict(machine: Machine) -> Verdict:
    """Return what `make test` does before anything else."""
    missing = missing_needs(machine)
    if is_node_old(machine):
        return CannotRun(_old_node(machine))
    if not missing:
        return Ready()
    if not _may_install(machine):
        return CannotRun(_refusal(missing, machine))
    what = ", ".join(f"{need.apt} ({need.why})" for need in missing)
    return Install(f"installing what the tests need: {what}", install_commands(missing, machine))


def missing_needs(machine: Machine) -> list[Need]:
    """Return what is not on the machine, in the order of `NEEDS`."""
    return [need for need in NEEDS if need.program not in machine.found]


def is_node_old(machine: Machine) -> bool:
    """Tell whether there is a Node, and one that the SDK does not build with."""
    return machine.node_major is not None and machine.node_major < OLDEST_NODE


def typed_command(missing: Sequence[Need], machine: Machine) -> str:
    """Return the line that an operator types to install what is missing."""
    if machine.system == "macos":
        return _brew_command([need.brew for need in missing])
    if machine.system == "other":
        return f"install {', '.join(need.program for need in missing)}, as your system does it"
    options = "RUNLEVEL=1 apt-get install --no-install-recommends"
    return f"sudo {options} {' '.join(_packages(missing, machine))}"


def install_commands(missing: Sequence[Need], machine: Machine) -> tuple[tuple[str, ...], ...]:
    """Return the commands that install what is missing without starting any server."""
    # RUNLEVEL tells the scripts of Debian's packages not to start their servers; where systemd
    # would start them nevertheless, and again at each boot, it is told so itself.
    environment = ("env", "RUNLEVEL=1", "DEBIAN_FRONTEND=noninteractive")
    options = ("-y", "-qq", "--no-install-recommends")
    units = [f"{need.apt}.service" for need in missing if need.is_server and machine.has_systemd]
    commands = [
        ("apt-get", "update", "-qq"),
        *([("systemctl", "--quiet", "--runtime", "mask", *units)] if units else []),
        (*environment, "apt-get", "install", *options, *_packages(missing, machine)),
        *([("systemctl", "--quiet", "--runtime", "unmask", *units)] if units else []),
        *([("systemctl", "--quiet", "disable", *units)] if units else []),
    ]
    sudo = () if machine.is_root else ("sudo", "-n")
    return tuple((*sudo, *command) for command in commands)


def _may_install(machine: Machine) -> bool:
    return machine.system in ("debian", "ubuntu") and (machine.is_root or machine.has_sudo)


def _packages(missing: Sequence[Need], machine: Machine) -> list[str]:
    other_names = UBUNTU if machine.system == "ubuntu" else {}
    return [other_names.get(need.apt, need.apt) for need in missing]


def _brew_command(names: Sequence[str]) -> str:
    formulas = [name for name in names if name not in CASKS]
    casks = [name for name in names if name in CASKS]
    parts = [f"brew install {' '.join(formulas)}"] if formulas else []
    parts += [f"brew install --cask {' '.join(casks)}"] if casks else []
    return " && ".join(parts)


def _refusal(missing: Sequence[Need], machine: Machine) -> str:
    lines = [
        "make test needs programs that are not on this machine:",
        *(f"  {need.program:<14}{need.why}" for need in missing),
        "To install them:",
        f"  {typed_command(missing, machine)}",
        _WITHOUT,
    ]
    return "\n".join(lines)


def _old_node(machine: Machine) -> str:
    return (
        f"make test needs Node {OLDEST_NODE} or later, and node is {machine.node_major}:"
        f"\n  https://nodejs.org/en/download\n{_WITHOUT}"
    )


_WITHOUT: Final = "To run all that this machine can run as it is:\n  make test-here"
