"""docker-compose.yml as services: what each runs, listens on, reads and waits for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
"""The one form of interpolation that the file uses: `${NAME:-default}`."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service without a profile, and so one that always runs."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ports: tuple[int, ...]
    """Where it listens."""
    published: Mapping[int, int]
    """Those of its ports that this machine reaches, and under which number."""
    mounts: Mapping[str, str]
    """Path in the container, and the path or the name of the volume that is there."""
    needs: tuple[str, ...]
    """Services that must be well before it starts."""
    check: tuple[str, ...]
    """A command that succeeds when it is well; empty without one."""


def read_services(path: Path, environment: Mapping[str, str]) -> dict[str, Service]:
    """Return the services of a compose file that no profile holds back, in its order."""
    text = _VARIABLE.sub(lambda m: environment.get(m[1]) or m[2] or "", path.read_text())
    described = yaml.safe_load(text)["services"]
    return {
        name: _service(name, each) for name, each in described.items() if "profiles" not in each
    }


def is_path(source: str) -> bool:
    """Tell whether the source of a mount is a path of the checkout, and no named volume."""
    return source.startswith(".")


def _service(name: str, described: Mapping[str, Any]) -> Service:
    published = dict(_published(each) for each in described.get("ports", ()))
    exposed = (int(port) for port in described.get("expose", ()))
    check = described.get("healthcheck", {}).get("test", ["CMD"])
    return Service(
        name=name,
        command=tuple(described["command"]),
        # Empty after interpolation is nothing to YAML, and an empty text to compose.
        environment={n: v or "" for n, v in described.get("environment", {}).items()},
        ports=tuple(dict.fromkeys([*exposed, *published])),
        published=published,
        mounts=dict(_mount(each) for each in described.get("volumes", ())),
        needs=tuple(described.get("depends_on", ())),
        check=tuple(check[1:]),
    )


def _published(port: str) -> tuple[int, int]:
    _, outside, inside = port.split(":")
    return int(inside), int(outside)


def _mount(volume: str) -> tuple[str, str]:
    source, target, *_ = volume.split(":")
    return target, source
