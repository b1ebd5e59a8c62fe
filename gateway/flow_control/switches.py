"""What is switched off right now, from the environment and from live flags."""

from typing import Final

from fanwire.core.ids import Org
from fanwire.core.switches import Switches
from fanwire.errors import Disabled

RETRY_AFTER_MS: Final = 30_000
"""An operator's work takes minutes: asking sooner is load at the worst moment."""


def switched_off() -> Disabled:
    """Return how a socket is refused or ended while everything is off."""
    return Disabled("realtime is switched off", retry_after_ms=RETRY_AFTER_MS)


class LiveSwitches:
    """The switches of this process; switch_sync.py keeps the live ones fresh."""

    def __init__(self, deployed: Switches) -> None:
        self._deployed = deployed
        self._live = Switches()
        self._by_org: dict[Org, Switches] = {}

    @property
    def live(self) -> Switches:
        """What is switched off live for all orgs."""
        return self._live

    def of(self, org: Org) -> Switches:
        """Return what is off for `org`."""
        return self._deployed | self._live | self._by_org.get(org, Switches())

    def is_off(self, org: Org, service: str) -> bool:
        """Tell whether `service` is off for `org`."""
        return self.of(org).is_off(service)

    def knows(self, org: Org) -> bool:
        """Tell whether the flags of `org` were read."""
        return org in self._by_org

    def set_live(self, switches: Switches) -> bool:
        """Set the switches for all orgs; tell whether that changed anything."""
        changed = switches != self._live
        self._live = switches
        return changed

    def set_org(self, org: Org, switches: Switches) -> bool:
        """Set the switches of one org; tell whether that changed anything."""
        changed = switches != self._by_org.get(org, Switches())
        self._by_org[org] = switches
        return changed

    def forget_all_but(self, orgs: set[Org]) -> None:
        """Forget the orgs that have no socket here."""
        self._by_org = {org: s for org, s in self._by_org.items() if org in orgs}
