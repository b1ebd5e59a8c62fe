"""The window stays between its bounds and follows how full batches are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.topic.batch_window import WindowLimits, next_window_ms

LIMITS = WindowLimits(shortest_ms=30, longest_ms=150)
fills = st.floats(0, 1)
windows = st.floats(30, 150)


@pytest.mark.parametrize(
    ("window_ms", "fill", "expected_ms"),
    [
        (30, 0.9, 45),
        (120, 1.0, 150),
        (60, 0.005, 40),
        (30, 0.005, 30),
        (60, 0.3, 60),
    ],
)
def test_full_batches_widen_it_and_nearly_empty_ones_narrow_it(
    window_ms: float, fill: float, expected_ms: float
) -> None:
    assert next_window_ms(window_ms, fill=fill, limits=LIMITS) == pytest.approx(expected_ms)


@given(window_ms=st.floats(0, 1000), fill=fills)
def test_it_never_leaves_its_bounds(window_ms: float, fill: float) -> None:
    assert 30 <= next_window_ms(window_ms, fill=fill, limits=LIMITS) <= 150


@given(window_ms=windows, fill=fills, more=fills)
def test_a_fuller_batch_never_leads_to_a_shorter_window(
    window_ms: float, fill: float, more: float
) -> None:
    low, high = sorted((fill, more))
    after_low = next_window_ms(window_ms, fill=low, limits=LIMITS)
    assert after_low <= next_window_ms(window_ms, fill=high, limits=LIMITS)


@given(window_ms=windows)
def test_a_busy_topic_reaches_the_longest_and_a_quiet_one_the_shortest(window_ms: float) -> None:
    busy = quiet = window_ms
    for _ in range(5):
        busy = next_window_ms(busy, fill=1, limits=LIMITS)
        quiet = next_window_ms(quiet, fill=0, limits=LIMITS)
    assert (busy, quiet) == (150, 30)
