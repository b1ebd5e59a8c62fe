"""Deaf alone, and not deaf together."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.position import ZERO, Position
from gateway.cluster.hearing import (
    CanaryLimits,
    CanaryRings,
    Hearing,
    HearingChange,
    is_behind,
    is_due,
)

LIMITS = CanaryLimits(period_ms=5_000)
POSITIONS = st.builds(Position, st.integers(1, 3), st.integers(0, 20))


def at(seq: int) -> Position:
    return Position(1, seq)


@pytest.mark.parametrize(
    ("peers", "expected"),
    [
        ([], False),
        ([5], False),
        ([6], True),
        ([6, 5], False),
        ([6, 6, 5], True),
        ([6, 5, 4], False),
    ],
)
def test_a_node_is_behind_when_most_peers_heard_more(peers: list[int], expected: bool) -> None:
    assert is_behind(at(5), list(map(at, peers))) is expected


def test_who_heard_nothing_is_behind_peers_who_did() -> None:
    assert is_behind(ZERO, [at(1)])


@given(POSITIONS, st.integers(0, 9))
def test_P25_a_silence_that_all_share_makes_nobody_deaf(position: Position, peers: int) -> None:
    assert not is_behind(position, [position] * peers)


@given(st.lists(POSITIONS, min_size=1, max_size=12))
def test_P25_never_more_than_half_of_the_nodes_are_behind(heard: list[Position]) -> None:
    behind = sum(is_behind(mine, heard[:i] + heard[i + 1 :]) for i, mine in enumerate(heard))
    assert 2 * behind <= len(heard)


def test_a_node_turns_deaf_only_after_lasting_evidence_and_well_again_likewise() -> None:
    hearing = Hearing(LIMITS)
    assert hearing.judge(is_behind=True, now_ms=0) is None
    assert hearing.judge(is_behind=True, now_ms=9_999) is None
    assert hearing.judge(is_behind=True, now_ms=10_000) is HearingChange.DEAF
    assert hearing.is_deaf
    assert hearing.judge(is_behind=False, now_ms=11_000) is None
    assert hearing.judge(is_behind=False, now_ms=20_999) is None
    assert hearing.judge(is_behind=False, now_ms=21_000) is HearingChange.WELL
    assert not hearing.is_deaf


@pytest.mark.parametrize("look", [False, None])
def test_evidence_that_is_interrupted_starts_anew(look: bool | None) -> None:
    hearing = Hearing(LIMITS)
    hearing.judge(is_behind=True, now_ms=0)
    hearing.judge(is_behind=look, now_ms=9_000)
    assert hearing.judge(is_behind=True, now_ms=10_000) is None
    assert hearing.judge(is_behind=True, now_ms=20_000) is HearingChange.DEAF


def test_P25_a_node_that_cannot_ask_keeps_its_verdict() -> None:
    hearing = Hearing(LIMITS)
    for now_ms in range(0, 3_600_000, 1_000):
        assert hearing.judge(is_behind=None, now_ms=now_ms) is None
    assert not hearing.is_deaf


@given(st.lists(st.sampled_from([True, False, None]), max_size=200))
def test_a_verdict_never_changes_twice_within_its_patience(looks: list[bool | None]) -> None:
    hearing, changes = Hearing(LIMITS), []
    for turn, look in enumerate(looks):
        now_ms = turn * LIMITS.turn_ms
        if hearing.judge(is_behind=look, now_ms=now_ms) is not None:
            changes.append(now_ms)
    assert all(later - earlier >= LIMITS.change_ms for earlier, later in pairwise(changes))


@pytest.mark.parametrize(
    ("moved_ms", "rung_ms", "listening_ms", "expected"),
    [
        (50_000, 49_999, 0, False),
        (50_000, 50_001, 0, False),
        (50_000, 44_000, 0, True),
        (50_000, 44_000, 49_900, False),  # the ring may have gone by before we listened
        (99_500, 44_000, 0, False),  # the ring may be on its way
    ],
)
def test_a_move_without_a_ring_shows_a_mute_bell(
    moved_ms: float, rung_ms: float, listening_ms: float, expected: bool
) -> None:
    rings = CanaryRings(now_ms=listening_ms)
    rings.rang(at(1), now_ms=rung_ms)
    assert rings.lack_one(moved_ms=moved_ms, now_ms=100_000, limits=LIMITS) is expected


def test_a_bell_that_was_connected_anew_gets_time_to_ring() -> None:
    rings = CanaryRings(now_ms=-9_000)
    rings.listening(now_ms=2_000)
    assert not rings.lack_one(moved_ms=0, now_ms=90_000, limits=LIMITS)


def test_a_ring_of_an_earlier_position_takes_nothing_back() -> None:
    rings = CanaryRings(now_ms=0)
    rings.rang(at(7), now_ms=1)
    rings.rang(at(6), now_ms=2)
    assert (rings.position, rings.rung_ms) == (at(7), 2)


@given(st.floats(0, 1, exclude_max=True))
def test_something_happens_before_anybody_doubts(chance: float) -> None:
    longest_ms = 1.5 * LIMITS.period_ms
    assert is_due(silent_ms=longest_ms, chance=chance, limits=LIMITS)
    assert not is_due(silent_ms=LIMITS.period_ms - 1, chance=chance, limits=LIMITS)
    assert longest_ms + LIMITS.turn_ms < LIMITS.doubt_ms


def test_the_nodes_take_turns() -> None:
    assert is_due(silent_ms=5_100, chance=0.0, limits=LIMITS)
    assert not is_due(silent_ms=5_100, chance=0.5, limits=LIMITS)
