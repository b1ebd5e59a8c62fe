"""Quarantine: what is shed, when it clears, and that it never flaps."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.tiers import Tier
from gateway.flow_control.quarantine import (
    NEXT_PHASE,
    Cleared,
    Conflate,
    Entered,
    Quarantine,
    QuarantineLimits,
    QuarantinePhase,
    QuarantineVerdict,
    Sign,
    SocketLoad,
)

LIMITS = QuarantineLimits()
OVER = SocketLoad(backlog_bytes=300_000, oldest_age_ms=0, ack_lag_ms=0)
BETWEEN = SocketLoad(backlog_bytes=200_000, oldest_age_ms=0, ack_lag_ms=0)
WELL = SocketLoad(backlog_bytes=0, oldest_age_ms=0, ack_lag_ms=0)
CHECK_MS = 1_000

loads = st.builds(
    SocketLoad,
    backlog_bytes=st.integers(0, 1_000_000),
    oldest_age_ms=st.floats(0, 10_000),
    ack_lag_ms=st.floats(0, 10_000),
)


def checked(
    quarantine: Quarantine, *seen: SocketLoad, start_ms: float = 0
) -> list[QuarantineVerdict]:
    """Return the verdicts of checks one after the other."""
    return [quarantine.check(load, now_ms=start_ms + i * CHECK_MS) for i, load in enumerate(seen)]


def test_one_bad_check_only_conflates() -> None:
    quarantine = Quarantine(LIMITS)
    assert checked(quarantine, OVER, WELL) == [Conflate(Tier.LOW), None]
    assert quarantine.shed == frozenset()


def test_the_second_bad_check_sheds_the_low_tier_for_a_spell() -> None:
    quarantine = Quarantine(LIMITS)
    entered = checked(quarantine, OVER, OVER)[-1]
    assert entered == Entered(frozenset({Tier.LOW}), until_ms=CHECK_MS + 30_000)


def test_age_and_ack_lag_count_like_bytes() -> None:
    for load in (SocketLoad(0, 2_001, 0), SocketLoad(0, 0, 2_001)):
        quarantine = Quarantine(LIMITS)
        checked(quarantine, load, load)
        assert quarantine.shed == {Tier.LOW}


def test_what_does_not_help_is_followed_by_the_normal_tier() -> None:
    quarantine = Quarantine(LIMITS)
    verdicts = checked(quarantine, OVER, OVER, OVER, OVER)
    assert verdicts[2:] == [
        Conflate(Tier.NORMAL),
        Entered(frozenset({Tier.LOW, Tier.NORMAL}), until_ms=3 * CHECK_MS + 30_000),
    ]


def test_three_seconds_of_health_clear_early() -> None:
    quarantine = Quarantine(LIMITS)
    verdicts = checked(quarantine, OVER, OVER, WELL, WELL, WELL, WELL)
    assert verdicts[2:5] == [None, None, None]
    assert verdicts[5] == Cleared(after_ms=4_000)


def test_a_socket_between_well_and_over_waits_for_the_end_of_its_spell() -> None:
    quarantine = Quarantine(LIMITS)
    checked(quarantine, OVER, OVER)
    assert checked(quarantine, *[BETWEEN] * 28, start_ms=2_000) == [None] * 28
    assert quarantine.check(BETWEEN, now_ms=31_000) == Cleared(after_ms=30_000)


def test_a_relapse_doubles_the_spell_up_to_the_longest() -> None:
    quarantine = Quarantine(LIMITS)
    spells = []
    now_ms = 0.0
    for _ in range(4):
        quarantine.check(OVER, now_ms=now_ms)
        entered = quarantine.check(OVER, now_ms=now_ms)
        assert isinstance(entered, Entered)
        spells.append(entered.until_ms - now_ms)
        now_ms = entered.until_ms
        assert isinstance(quarantine.check(WELL, now_ms=now_ms), Cleared)
    assert spells == [30_000, 60_000, 120_000, 120_000]


def test_after_five_quiet_minutes_a_relapse_is_a_first_time() -> None:
    quarantine = Quarantine(LIMITS)
    checked(quarantine, OVER, OVER)
    quarantine.check(WELL, now_ms=40_000)
    later_ms = 40_000 + LIMITS.relapse_ms + 1
    quarantine.check(OVER, now_ms=later_ms)
    entered = quarantine.check(OVER, now_ms=later_ms)
    assert isinstance(entered, Entered)
    assert entered.until_ms == later_ms + 30_000


def test_every_phase_knows_every_sign() -> None:
    assert NEXT_PHASE.keys() == {(phase, sign) for phase in QuarantinePhase for sign in Sign}


@given(st.lists(loads, max_size=60))
def test_what_is_critical_or_high_is_never_shed(seen: list[SocketLoad]) -> None:
    quarantine = Quarantine(LIMITS)
    checked(quarantine, *seen)
    assert quarantine.shed <= {Tier.LOW, Tier.NORMAL}
    assert Tier.NORMAL not in quarantine.shed or Tier.LOW in quarantine.shed


@given(st.lists(loads, max_size=60))
def test_health_always_clears_within_three_seconds(seen: list[SocketLoad]) -> None:
    quarantine = Quarantine(LIMITS)
    checked(quarantine, *seen)
    checked(quarantine, WELL, WELL, WELL, WELL, start_ms=len(seen) * CHECK_MS)
    assert quarantine.phase is QuarantinePhase.STEADY


@given(st.lists(loads, max_size=120))
def test_it_is_entered_and_cleared_in_turn_and_not_every_check(seen: list[SocketLoad]) -> None:
    quarantine = Quarantine(LIMITS)
    changes = [
        (i, verdict)
        for i, verdict in enumerate(checked(quarantine, *seen))
        if isinstance(verdict, Cleared)
        or (isinstance(verdict, Entered) and Tier.NORMAL not in verdict.shed)
    ]
    kinds = [type(verdict) for _, verdict in changes]
    assert kinds == ([Entered, Cleared] * len(kinds))[: len(kinds)]
    times = [i for i, _ in changes]
    assert all(later - earlier >= 2 for earlier, later in pairwise(times))
