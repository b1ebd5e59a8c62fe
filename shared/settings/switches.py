"""REALTIME_DISABLE_<SERVICE>: services switched off by the environment.

A variable's name has no `-` and no `.`, so the service `guest-checkin` is spelled
GUEST_CHECKIN there. Two services that differ in these alone share a switch. Capitals or not is
the same, as with every setting; a name that no service can have is refused, for it would switch
off nothing.
"""

from collections.abc import Mapping
from typing import Final

from fanwire.core.ids import is_valid_id
from fanwire.core.switches import switch_name
from shared.settings.loading import DISABLE_PREFIX, SettingsProblem

_SAYS: Final[Mapping[str, bool]] = {
    "": False, "0": False, "false": False, "no": False, "off": False,
    "1": True, "true": True, "yes": True, "on": True,
}  # fmt: skip


def disabled_services(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the disabled services in the spelling of `switch_name`.

    Raises:
        SettingsProblem: If a switch is neither true nor false, or of no possible service.
    """
    switches = {
        name: value for name, value in environ.items() if name.upper().startswith(DISABLE_PREFIX)
    }
    return frozenset(_service(name) for name, value in switches.items() if _is_on(name, value))


def _service(variable: str) -> str:
    service = variable.upper().removeprefix(DISABLE_PREFIX)
    if not is_valid_id(service):
        raise SettingsProblem(
            f"{variable} must end in the name of a service, such as {DISABLE_PREFIX}ANALYTICS"
        )
    return switch_name(service)


def _is_on(name: str, value: str) -> bool:
    try:
        return _SAYS[value.strip().lower()]
    except KeyError:
        raise SettingsProblem(f"{name} must be true or false") from None
