"""REALTIME_DISABLE_<SERVICE>: services switched off by the environment.

A variable's name has no `-` and no `.`, so the service `guest-checkin` is spelled
GUEST_CHECKIN there. Two services that differ in these alone share a switch.
"""

from collections.abc import Mapping
from typing import Final

from shared.settings_loading import DISABLE_PREFIX, SettingsProblem

_SAYS: Final[Mapping[str, bool]] = {
    "": False, "0": False, "false": False, "no": False, "off": False,
    "1": True, "true": True, "yes": True, "on": True,
}  # fmt: skip


def disabled_services(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the disabled services in the spelling of `switch_name`.

    Raises:
        SettingsProblem: If a switch is neither true nor false.
    """
    return frozenset(
        name.removeprefix(DISABLE_PREFIX)
        for name, value in environ.items()
        if name.startswith(DISABLE_PREFIX) and _is_on(name, value)
    )


def _is_on(name: str, value: str) -> bool:
    try:
        return _SAYS[value.strip().lower()]
    except KeyError:
        raise SettingsProblem(f"{name} must be true or false") from None
