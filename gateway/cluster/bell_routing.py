"""Passes each message of the bell on to the part of the gateway that acts on it."""

from typing import assert_never

from fanwire.core.bell import (
    BellMessage,
    FlagsChanged,
    KickRequested,
    SubscriptionChanged,
    TokensRevoked,
    TopicMoved,
)
from fanwire.core.clock import now_ms
from fanwire.core.ids import Org
from fanwire.core.keys import CANARY, Topic
from gateway.cluster.hearing import CanaryRings
from gateway.cluster.kick import Kick
from gateway.delivery.live_feed import LiveFeed
from gateway.flow_control.switch_sync import SwitchSync
from gateway.session.revocations import Revocations
from gateway.session.sync import SubscriptionSync


class BellRouting:
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
        self.canary = CanaryRings(now_ms=now_ms())

    def rang(self, org: Org, message: BellMessage) -> None:
        """Pass one message on."""
        match message:
            case TopicMoved(service, position):
                if org == CANARY.org and position is not None:
                    self.canary.rang(position, now_ms=now_ms())
                self._feed.moved(Topic(org, service), position)
            case SubscriptionChanged(version, field):
                self._subscriptions.changed(org, version, field)
            case KickRequested(field):
                self._kicks.kick(org, field)
            case TokensRevoked():
                self._revocations.changed(org)
            case FlagsChanged():
                self._switches.changed(org)
            case _:
                assert_never(message)

    def listening(self, org: Org) -> None:
        """Suspect all that is held of `org`: messages of before may have been missed."""
        if org == CANARY.org:
            self.canary.listening(now_ms=now_ms())
        self._feed.suspect_org(org)
        self._subscriptions.suspect(org)
        self._revocations.changed(org)
        self._switches.changed(org)
