"""Waits between attempts."""

from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.backoff import BackoffLimits, backoff_ms

LIMITS = BackoffLimits(first_ms=250, longest_ms=20_000)
CHANCES = st.floats(0, 1, exclude_max=True)


@given(attempt=st.integers(0, 10**9), chance=CHANCES)
def test_a_wait_is_never_longer_than_the_longest(attempt: int, chance: float) -> None:
    assert 0 <= backoff_ms(attempt, chance, LIMITS) < LIMITS.longest_ms


@given(attempt=st.integers(0, 100), chance=CHANCES)
def test_a_later_attempt_never_has_a_lower_cap(attempt: int, chance: float) -> None:
    assert backoff_ms(attempt, chance, LIMITS) <= backoff_ms(attempt + 1, chance, LIMITS)


def test_the_whole_range_below_the_cap_is_used() -> None:
    assert backoff_ms(2, 0.0, LIMITS) == 0
    assert backoff_ms(2, 0.5, LIMITS) == 500


def test_the_cap_doubles_with_each_attempt() -> None:
    limits = BackoffLimits(first_ms=100, longest_ms=1_000)
    assert [backoff_ms(n, 0.5, limits) for n in range(5)] == [50, 100, 200, 400, 500]
