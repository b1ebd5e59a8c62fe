"""What is switched off: everything, or single services, for all orgs or for one.

Three sources that add up: the environment (a deploy), `flags` (live, all orgs) and
`flags:{org}` (live, one org). Off wins, since a switch is thrown in an emergency and must not
depend on what another place says. A field that is not understood is reported and ignored: a
typing error at run time must not switch off anything else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from fanwire.core.ids import is_valid_id

EMERGENCY: Final = "emergency"
DISABLE: Final = "disable:"
_ON: Final = frozenset({"1", "true", "yes", "on"})
_OFF: Final = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Switches:
    """What is off. `services` are spelled by `switch_name`."""

    emergency: bool = False
    services: frozenset[str] = frozenset()

    def __or__(self, other: "Switches") -> "Switches":
        """Return what is off by either."""
        return Switches(self.emergency or other.emergency, self.services | other.services)

    def is_off(self, service: str) -> bool:
        """Tell whether `service` is switched off."""
        return self.emergency or (bool(self.services) and switch_name(service) in self.services)


@dataclass(frozen=True, slots=True)
class ReadSwitches:
    """What a hash of flags says, and the fields of it that say nothing."""

    switches: Switches
    not_understood: tuple[str, ...]


def read_switches(fields: Mapping[str, str]) -> ReadSwitches:
    """Return what the fields of `flags` or `flags:{org}` switch off."""
    wrong = tuple(sorted(name for name, value in fields.items() if not _is_known(name, value)))
    on = {name for name, value in fields.items() if name not in wrong and value.lower() in _ON}
    services = frozenset(switch_name(n.removeprefix(DISABLE)) for n in on if n != EMERGENCY)
    return ReadSwitches(Switches(EMERGENCY in on, services), wrong)


def switch_name(service: str) -> str:
    """Return how a switch spells `service`, alike in variables and in flags."""
    return service.upper().replace("-", "_").replace(".", "_")


def _is_known(name: str, value: str) -> bool:
    is_name = name == EMERGENCY or (
        name.startswith(DISABLE) and is_valid_id(name.removeprefix(DISABLE))
    )
    return is_name and value.lower() in _ON | _OFF


def all_off(switches: Switches, services: Iterable[str]) -> list[str]:
    """Return those of `services` that are off, in order."""
    return sorted(service for service in services if switches.is_off(service))
