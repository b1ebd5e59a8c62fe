"""Tells each part of the gateway what the bell said.

A ring is `<service> <position>` for a topic that moved, `:subs <version> <field>` for a changed
subscription, `:kick <field>` for sockets to close, `:revoked` or `:flags`. A service cannot
begin with a colon. What is not understood comes from a newer version of the cluster and is
ignored; the sweeps read what it announced.
"""

from fanwire.core.ids import Org
from fanwire.core.keys import CANARY
from gateway.cluster.canary import CanaryEar
from gateway.cluster.kick import Kick
from gateway.delivery.live_feed import LiveFeed, topic_of_ring
from gateway.flow_control.switch_sync import SwitchSync
from gateway.session.revocations import Revocations
from gateway.session.sync import SubscriptionSync


class Rings:
    """The bell's listener."""

    def __init__(
        self,
        feed: LiveFeed,
        subscriptions: SubscriptionSync,
        revocations: Revocations,
        switches: SwitchSync,
        kicks: Kick,
    ) -> None:
        self._feed = feed
        self._subscriptions = subscriptions
        self._revocations = revocations
        self._switches = switches
        self._kicks = kicks
        self.canary = CanaryEar()

    def rang(self, org: Org, message: str) -> None:
        """Pass one ring on."""
        match message.split(" "):
            case [":subs", version, field] if version.isdecimal():
                self._subscriptions.changed(org, int(version), field)
            case [":kick", field]:
                self._kicks.kick(org, field)
            case [":revoked"]:
                self._revocations.changed(org)
            case [":flags"]:
                self._switches.changed(org)
            case [service, position] if not service.startswith(":"):
                if org == CANARY.org:
                    self.canary.rang(position)
                self._feed.rang(*topic_of_ring(org, message))
            case _:
                pass

    def listening_anew(self, org: Org) -> None:
        """Suspect all that is held of `org`."""
        if org == CANARY.org:
            self.canary.listening_anew()
        self._feed.suspect_org(org)
        self._subscriptions.suspect(org)
        self._revocations.changed(org)
        self._switches.changed(org)
