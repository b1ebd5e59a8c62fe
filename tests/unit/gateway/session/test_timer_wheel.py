"""Keys come out of the wheel in time, and as often as they went in."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.session.timer_wheel import TimerWheel

TICK_MS = 10
SLOT_COUNT = 8

times = st.floats(min_value=0, max_value=1_000)
steps = st.floats(min_value=0, max_value=300)


def a_wheel(now_ms: float = 0) -> TimerWheel[str]:
    return TimerWheel(now_ms=now_ms, tick_ms=TICK_MS, slot_count=SLOT_COUNT)


def test_a_key_is_due_once() -> None:
    wheel = a_wheel()
    wheel.set("a", at_ms=25)
    assert wheel.pop_due(now_ms=29) == []
    assert wheel.pop_due(now_ms=30) == ["a"]
    assert wheel.pop_due(now_ms=10_000) == []


def test_a_time_that_is_past_is_due_at_the_next_tick() -> None:
    wheel = a_wheel()
    wheel.pop_due(now_ms=100)
    wheel.set("a", at_ms=5)
    assert wheel.pop_due(now_ms=109) == []
    assert wheel.pop_due(now_ms=110) == ["a"]


def test_a_time_beyond_one_turn_waits_for_its_own_turn() -> None:
    wheel = a_wheel()
    far_ms = 3 * SLOT_COUNT * TICK_MS
    wheel.set("a", at_ms=far_ms)
    before = [wheel.pop_due(now_ms=now_ms) for now_ms in range(0, far_ms, TICK_MS)]
    assert before == [[]] * len(before)
    assert wheel.pop_due(now_ms=far_ms) == ["a"]


def test_after_a_long_pause_everything_is_due_at_once() -> None:
    wheel = a_wheel()
    for number in range(3 * SLOT_COUNT):
        wheel.set(str(number), at_ms=number * TICK_MS)
    due = wheel.pop_due(now_ms=100 * SLOT_COUNT * TICK_MS)
    assert sorted(due, key=int) == [str(number) for number in range(3 * SLOT_COUNT)]


@given(start_ms=times, set_at=st.lists(times), steps_ms=st.lists(steps, max_size=30))
def test_no_key_is_early_none_is_more_than_a_tick_late_and_none_is_lost(
    start_ms: float, set_at: list[float], steps_ms: list[float]
) -> None:
    wheel: TimerWheel[float] = TimerWheel(now_ms=start_ms, tick_ms=TICK_MS, slot_count=SLOT_COUNT)
    for at_ms in set_at:
        wheel.set(at_ms, at_ms=at_ms)
    taken: Counter[float] = Counter()
    now_ms = start_ms
    for step_ms in [*steps_ms, 2_000]:
        now_ms += step_ms
        due = wheel.pop_due(now_ms=now_ms)
        assert all(at_ms <= now_ms for at_ms in due)
        taken.update(due)
        late = [at_ms for at_ms in set_at if max(at_ms, start_ms) + TICK_MS < now_ms]
        assert all(taken[at_ms] for at_ms in late)
    assert taken == Counter(set_at)


@given(st.lists(st.tuples(times, steps), max_size=30))
def test_keys_set_while_the_wheel_turns_are_taken_as_often_as_set(
    turns: list[tuple[float, float]],
) -> None:
    wheel = a_wheel()
    now_ms, taken = 0.0, 0
    for at_ms, step_ms in turns:
        wheel.set("same", at_ms=at_ms)
        now_ms += step_ms
        taken += len(wheel.pop_due(now_ms=now_ms))
    taken += len(wheel.pop_due(now_ms=now_ms + 2_000))
    assert taken == len(turns)
