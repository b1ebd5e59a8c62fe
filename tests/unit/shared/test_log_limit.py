"""The same line again and again becomes a few, and says how many it stands for."""

from shared.log_limit import BURST, MAX_EVENTS, REFILL_MS, LogLimit


def test_a_burst_is_logged_and_what_follows_is_not() -> None:
    limit = LogLimit()
    assert [limit.spend("x", now_ms=0) for _ in range(BURST + 2)] == [0] * BURST + [None, None]


def test_the_next_line_tells_how_many_were_left_out() -> None:
    limit = LogLimit(burst=1)
    taken = [limit.spend("x", now_ms=ms) for ms in (0, 1, 2, REFILL_MS, REFILL_MS + 1)]
    assert taken == [0, None, None, 2, None]


def test_ten_lines_a_second_become_one_a_minute() -> None:
    limit = LogLimit()
    minutes = 5
    taken = [limit.spend("x", now_ms=100.0 * number) for number in range(600 * minutes)]
    logged = [count for count in taken if count is not None]
    assert BURST + minutes - 1 <= len(logged) <= BURST + minutes
    assert sum(logged) + len(logged) >= 600 * (minutes - 1)


def test_one_event_does_not_use_up_what_another_may_log() -> None:
    limit = LogLimit(burst=1)
    assert [limit.spend(event, now_ms=0) for event in ("x", "x", "y")] == [0, None, 0]


def test_names_without_end_do_not_fill_the_memory() -> None:
    limit = LogLimit(burst=1)
    for number in range(MAX_EVENTS + 1):
        assert limit.spend(f"event-{number}", now_ms=0) == 0
    assert limit.spend("event-0", now_ms=0) == 0  # its allowance was forgotten with the others
