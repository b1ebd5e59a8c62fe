"""How often a caller may act."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.connection.rate_limit import RateLimit, TokenBucket

LIMIT = RateLimit(per_s=10, burst=3)


def taken(bucket: TokenBucket, *, now_ms: float, tries: int) -> int:
    return sum(bucket.spend(LIMIT, now_ms=now_ms) for _ in range(tries))


def test_B51_a_full_bucket_allows_a_burst_and_no_more() -> None:
    bucket = TokenBucket(LIMIT, now_ms=0)
    assert taken(bucket, now_ms=0, tries=10) == 3


def test_B51_tokens_come_back_at_the_rate() -> None:
    bucket = TokenBucket(LIMIT, now_ms=0)
    taken(bucket, now_ms=0, tries=3)
    assert taken(bucket, now_ms=99, tries=1) == 0
    assert taken(bucket, now_ms=100, tries=5) == 1


def test_a_long_rest_saves_no_more_than_one_burst() -> None:
    bucket = TokenBucket(LIMIT, now_ms=0)
    assert taken(bucket, now_ms=3_600_000, tries=100) == 3


def test_a_refused_take_costs_nothing() -> None:
    bucket = TokenBucket(LIMIT, now_ms=0)
    taken(bucket, now_ms=0, tries=1_000)
    assert taken(bucket, now_ms=100, tries=1) == 1


def test_a_clock_that_steps_back_gives_no_tokens() -> None:
    bucket = TokenBucket(LIMIT, now_ms=1_000)
    taken(bucket, now_ms=1_000, tries=3)
    assert taken(bucket, now_ms=0, tries=1) == 0


@given(st.lists(st.floats(min_value=0, max_value=500), max_size=60))
def test_B52_no_span_of_time_sees_more_than_the_burst_and_the_rate(steps_ms: list[float]) -> None:
    bucket = TokenBucket(LIMIT, now_ms=0)
    now_ms = 0.0
    moments = []
    for step_ms in steps_ms:
        now_ms += step_ms
        if bucket.spend(LIMIT, now_ms=now_ms):
            moments.append(now_ms)
    for i, first_ms in enumerate(moments):
        for j, last_ms in enumerate(moments[i:], i):
            allowed = LIMIT.burst + (last_ms - first_ms) * LIMIT.per_s / 1000
            assert j - i + 1 <= allowed + 1e-6


@given(st.floats(min_value=0, max_value=99))
def test_who_waits_as_told_is_let_through(waited_ms: float) -> None:
    bucket = TokenBucket(LIMIT, now_ms=0)
    taken(bucket, now_ms=0, tries=3)
    taken(bucket, now_ms=waited_ms, tries=1)
    # One millisecond more: the answer is in whole ones.
    retry_ms = waited_ms + bucket.retry_after_ms(LIMIT) + 1
    assert bucket.spend(LIMIT, now_ms=retry_ms)
