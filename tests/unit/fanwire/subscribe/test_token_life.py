"""When a token is refreshed."""

from hypothesis import given
from hypothesis import strategies as st

from fanwire.subscribe.token_life import SOONEST_MS, refresh_in_ms

CHANCES = st.floats(0, 1, exclude_max=True)


@given(left_ms=st.floats(10_000, 1e9), chance=CHANCES)
def test_a_token_is_refreshed_around_four_fifths_of_its_life(left_ms: float, chance: float) -> None:
    assert 0.75 * left_ms < refresh_in_ms(left_ms, chance) < 0.85 * left_ms


@given(left_ms=st.floats(-1e12, 0), chance=CHANCES)
def test_a_token_that_seems_expired_is_not_refreshed_in_a_loop(
    left_ms: float, chance: float
) -> None:
    assert refresh_in_ms(left_ms, chance) == SOONEST_MS
