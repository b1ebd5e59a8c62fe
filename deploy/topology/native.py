"""What a service of docker-compose.yml is without a container: a command on loopback.

A container has addresses, ports and paths of its own; here all share one machine. So each port
of each service becomes a port of 127.0.0.1, and every mention of it is rewritten. A mention of
what the file does not describe is refused: in the containers it would lead nowhere either.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.topology.compose_file import Service, is_path
from fanwire.errors import RealtimeError

LOOPBACK: Final = "127.0.0.1"
_ADDRESS: Final = re.compile(r"(?P<host>[A-Za-z][\w.-]*|[\d.]*):(?P<port>\d{2,5})\b")
_OWN: Final = ("", "0.0.0.0", LOOPBACK, "localhost")
_GATEWAY_OF: Final = {f"BALANCER_READYZ_{n}": f"BALANCER_GATEWAY_{n}" for n in (1, 2, 3)}
"""A port alone, whose host another variable says."""

Ports = Mapping[tuple[str, int], int]
"""Service and its port in the container, and the port here."""


class UnknownAddress(RealtimeError):
    """A service mentions an address that no service has."""

    name = "unknown_address"
    retryable = False
    remedy = "Correct docker-compose.yml: a port that others use stands under `expose` or `ports`."


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are on this machine."""

    ports: Ports
    programs: Mapping[str, str]
    """Paths of the programs that commands name."""
    checkout: Path
    volumes: Path
    """The folder in which each named volume is a folder."""


@dataclass(frozen=True, slots=True)
class NativeService:
    """A process to start."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    check: tuple[str, ...]
    """Empty where its program is not here: then it is well when its ports can be connected to."""
    ports: tuple[int, ...]


def native_ports(
    services: Mapping[str, Service], *, free_port: Callable[[], int], keep_published: bool
) -> Ports:
    """Return a port for each port: the number under which it is published, or a free one."""
    return {
        (name, port): (keep_published and service.published.get(port)) or free_port()
        for name, service in services.items()
        for port in service.ports
    }


def native(service: Service, services: Mapping[str, Service], places: Places) -> NativeService:
    """Return the process that does here what the service does in a container.

    Raises:
        UnknownAddress: If it mentions an address that no service has.
    """
    words = _Words(service, services, places)
    program, *arguments = service.command
    check = service.check if service.check[:1] == ("python",) else ()
    return NativeService(
        name=service.name,
        command=(places.programs[program], *map(words.argument, arguments)),
        environment={
            name: words.variable(name, value) for name, value in service.environment.items()
        },
        check=tuple(places.programs.get(word, words.argument(word)) for word in check),
        ports=tuple(places.ports[service.name, port] for port in service.ports),
    )


class _Words:
    """Rewrites what one service is told."""

    def __init__(self, service: Service, services: Mapping[str, Service], places: Places) -> None:
        self._service = service
        self._services = services
        self._places = places
        self._published = {
            outside: (each.name, inside)
            for each in services.values()
            for inside, outside in each.published.items()
        }

    def argument(self, word: str) -> str:
        """Return a word of a command."""
        for inside, source in self._service.mounts.items():
            if word == inside or word.startswith(f"{inside}/"):
                return f"{self._source(source)}{word.removeprefix(inside)}"
        return self._port(self._service.name, word) or self._addresses(word)

    def variable(self, name: str, value: str) -> str:
        """Return the value of an environment variable."""
        if name in _GATEWAY_OF:
            gateway = self._service.environment[_GATEWAY_OF[name]].partition(":")[0]
            return self._port(gateway, value) or value
        own = self._port(self._service.name, value) if name.endswith("_PORT") else None
        return own or self._addresses(value)

    def _port(self, service: str, text: str) -> str | None:
        port = self._places.ports.get((service, int(text))) if text.isdecimal() else None
        return None if port is None else str(port)

    def _addresses(self, text: str) -> str:
        return LOOPBACK if text == "0.0.0.0" else _ADDRESS.sub(self._moved, text)

    def _moved(self, mention: re.Match[str]) -> str:
        host, port = mention["host"], int(mention["port"])
        known = self._places.ports
        if host not in _OWN:
            place = known.get((host, port))
        else:
            place = known.get((self._service.name, port)) or known.get(
                self._published.get(port, ("", 0))
            )
        if place is None:
            raise UnknownAddress(f"{self._service.name} mentions {mention[0]}")
        return f"{'localhost' if host == 'localhost' else LOOPBACK}:{place}"

    def _source(self, source: str) -> Path:
        folder = self._places.checkout if is_path(source) else self._places.volumes
        return folder / source
