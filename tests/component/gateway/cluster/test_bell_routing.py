"""Which part of the gateway acts on which message of the bell."""

from typing import Any, Final, cast

import pytest

from fanwire.core.bell import (
    BellMessage,
    FlagsChanged,
    KickRequested,
    SubscriptionChanged,
    TokensRevoked,
    TopicMoved,
)
from fanwire.core.ids import Org
from fanwire.core.keys import CANARY
from fanwire.core.position import ZERO, Position
from gateway.cluster.bell_routing import BellRouting
from gateway.cluster.kick import Kick
from gateway.delivery.live_feed import LiveFeed
from gateway.flow_control.switch_sync import SwitchSync
from gateway.session.revocations import Revocations
from gateway.session.sync import SubscriptionSync
from tests.support.gateway_values import ACME, TASKS, TASKS_OF_ACME

SEVENTH: Final = Position(1, 7)


class Notes:
    """Any part: notes what it is asked to do."""

    def __init__(self, name: str, asked: list[tuple[object, ...]]) -> None:
        self._name = name
        self._asked = asked

    def __getattr__(self, verb: str) -> Any:
        return lambda *given: self._asked.append((self._name, verb, *given))


class RoutingStage:
    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.routing = BellRouting(
            cast(LiveFeed, Notes("feed", self.asked)),
            cast(SubscriptionSync, Notes("subscriptions", self.asked)),
            cast(Revocations, Notes("revocations", self.asked)),
            cast(SwitchSync, Notes("switches", self.asked)),
            cast(Kick, Notes("kicks", self.asked)),
        )

    def rang(self, org: Org, message: BellMessage) -> list[tuple[object, ...]]:
        self.routing.rang(org, message)
        return self.asked


@pytest.mark.parametrize(
    ("message", "asked"),
    [
        (TopicMoved(TASKS, SEVENTH), ("feed", "moved", TASKS_OF_ACME, SEVENTH)),
        (TopicMoved(TASKS, None), ("feed", "moved", TASKS_OF_ACME, None)),
        (SubscriptionChanged(7, "ada"), ("subscriptions", "changed", ACME, 7, "ada")),
        (KickRequested("ada#gw~1"), ("kicks", "kick", ACME, "ada#gw~1")),
        (TokensRevoked(), ("revocations", "changed", ACME)),
        (FlagsChanged(), ("switches", "changed", ACME)),
    ],
)
def test_each_message_reaches_the_part_that_acts_on_it_and_no_other(
    message: BellMessage, asked: tuple[object, ...]
) -> None:
    assert RoutingStage().rang(ACME, message) == [asked]


def test_when_listening_starts_everything_held_of_the_org_is_suspected() -> None:
    stage = RoutingStage()
    stage.routing.listening(ACME)
    assert stage.asked == [
        ("feed", "suspect_org", ACME),
        ("subscriptions", "suspect", ACME),
        ("revocations", "changed", ACME),
        ("switches", "changed", ACME),
    ]


def test_the_canary_is_heard_by_ring_and_read_like_any_topic() -> None:
    stage = RoutingStage()
    assert stage.rang(CANARY.org, TopicMoved(CANARY.service, SEVENTH)) == [
        ("feed", "moved", CANARY, SEVENTH)
    ]
    assert stage.routing.canary.position == SEVENTH


def test_a_ring_of_the_canary_without_a_position_is_not_heard() -> None:
    stage = RoutingStage()
    stage.rang(CANARY.org, TopicMoved(CANARY.service, None))
    assert stage.routing.canary.position == ZERO


def test_a_ring_of_another_org_is_none_of_the_canary() -> None:
    stage = RoutingStage()
    stage.rang(ACME, TopicMoved(TASKS, SEVENTH))
    assert stage.routing.canary.position == ZERO


def test_since_when_the_canary_is_listened_to_is_noted_for_its_own_org_alone() -> None:
    stage = RoutingStage()
    stage.routing.canary.listening_ms = 0.0
    stage.routing.listening(ACME)
    assert stage.routing.canary.listening_ms == 0.0
    stage.routing.listening(CANARY.org)
    assert stage.routing.canary.listening_ms > 0.0
