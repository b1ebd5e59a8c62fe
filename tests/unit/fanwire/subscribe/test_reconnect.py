"""Whether, and when, a subscriber connects again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.backoff import BackoffLimits
from fanwire.errors import (
    BadMessage,
    Draining,
    Forbidden,
    Overloaded,
    RealtimeError,
    Unauthorized,
    Unreachable,
)
from fanwire.subscribe.reconnect import Reconnect, ReconnectLimits, Stop, Wait

LIMITS = ReconnectLimits(BackoffLimits(250, 20_000), stable_ms=10_000)


def test_the_waits_grow_up_to_the_longest() -> None:
    policy = Reconnect(LIMITS)
    verdicts = [policy.after(Unreachable("gone"), chance=0.5, now_ms=0) for _ in range(9)]
    waits = [verdict.ms for verdict in verdicts if isinstance(verdict, Wait)]
    assert waits == [125, 250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]


@given(chance=st.floats(0, 1, exclude_max=True), count=st.integers(1, 40))
def test_no_wait_is_over_the_longest(chance: float, count: int) -> None:
    policy = Reconnect(LIMITS)
    for _ in range(count):
        verdict = policy.after(Unreachable("gone"), chance=chance, now_ms=0)
        assert isinstance(verdict, Wait)
        assert 0 <= verdict.ms < 20_000


def test_only_a_stable_connection_starts_the_count_anew() -> None:
    policy = Reconnect(LIMITS)
    for _ in range(3):
        policy.after(Unreachable("gone"), chance=0.5, now_ms=0)
    policy.connected(now_ms=0)
    assert policy.after(Unreachable("gone"), chance=0.5, now_ms=9_999) == Wait(1000)
    policy.connected(now_ms=20_000)
    assert policy.after(Unreachable("gone"), chance=0.5, now_ms=30_000) == Wait(125)


@pytest.mark.parametrize(
    "error", [Draining("bye", retry_after_ms=1500), Overloaded("full", retry_after_ms=1500)]
)
def test_the_servers_wait_wins(error: RealtimeError) -> None:
    assert Reconnect(LIMITS).after(error, chance=0.1, now_ms=0) == Wait(1500)


@pytest.mark.parametrize("error", [BadMessage("bad"), Forbidden("no")])
def test_a_terminal_error_stops(error: RealtimeError) -> None:
    assert Reconnect(LIMITS).after(error, chance=0.1, now_ms=0) == Stop(error)


def test_a_refused_token_gets_one_more_try_with_a_fresh_one() -> None:
    policy = Reconnect(LIMITS)
    error = Unauthorized("expired")
    assert policy.after(error, chance=0.5, now_ms=0) == Wait(125)
    assert policy.after(error, chance=0.5, now_ms=0) == Stop(error)


def test_a_token_that_ended_during_a_connection_does_not_count_as_refused() -> None:
    policy = Reconnect(LIMITS)
    policy.after(Unauthorized("expired"), chance=0.5, now_ms=0)
    policy.connected(now_ms=0)
    assert isinstance(policy.after(Unauthorized("expired"), chance=0.5, now_ms=0), Wait)
