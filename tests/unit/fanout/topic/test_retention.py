"""The log keeps what is young or among the last, never more bytes than allowed."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.topic.retention import TIMES_KEPT, KeptBatch, Retention, RetentionLimits, TrimReason
from fanwire.core.position import Position
from fanwire.core.tiers import Tier

LIMITS = RetentionLimits(age_ms=100, event_count=5, size_bytes=1_000)


def entry(seq: int, *, count: int = 1, size_bytes: int = 10, at_ms: float = 0) -> KeptBatch:
    return KeptBatch(Position(1, seq), count, size_bytes, at_ms)


def filled(*entries: KeptBatch, tier: Tier = Tier.HIGH) -> Retention:
    retention = Retention(LIMITS, tier)
    for each in entries:
        retention.record(each)
    return retention


def test_nothing_is_cut_while_all_is_young() -> None:
    retention = filled(*(entry(n) for n in range(20)))
    assert retention.plan(entry(20, at_ms=50), now_ms=50) is None


def test_old_batches_go_down_to_the_last_events() -> None:
    retention = filled(*(entry(n) for n in range(20)))
    cut = retention.plan(entry(20, at_ms=200), now_ms=200)
    assert cut == (16, Position(1, 16), {TrimReason.AGE: 16})


def test_old_batches_stay_while_they_are_among_the_last_events() -> None:
    retention = filled(entry(1), entry(2))
    assert retention.plan(entry(3, at_ms=900), now_ms=900) is None


def test_the_bytes_win_over_age_and_count() -> None:
    retention = filled(entry(1, size_bytes=400), entry(2, size_bytes=400))
    cut = retention.plan(entry(3, size_bytes=400), now_ms=0)
    assert cut == (1, Position(1, 2), {TrimReason.SIZE: 1})


def test_the_newest_batch_stays_however_large() -> None:
    retention = filled(entry(1), entry(2))
    cut = retention.plan(entry(3, size_bytes=5_000), now_ms=0)
    assert cut is not None
    assert (cut.batch_count, cut.oldest_kept) == (2, Position(1, 3))


def test_asking_changes_nothing() -> None:
    retention = filled(entry(1, size_bytes=900))
    added = entry(2, size_bytes=900)
    assert retention.plan(added, now_ms=0) == retention.plan(added, now_ms=0)
    retention.record(added, retention.plan(added, now_ms=0))
    assert retention.size_bytes == 900


def test_what_the_budget_allows_wins_as_well() -> None:
    retention = filled(*(entry(n, size_bytes=100) for n in range(5)))
    retention.allow(250)
    cut = retention.excess(now_ms=0)
    assert cut is not None
    assert (cut.batch_count, cut.oldest_kept) == (3, Position(1, 3))
    assert cut.event_counts == {TrimReason.BUDGET: 3}
    retention.remove(cut)
    assert retention.size_bytes == 200
    retention.allow(None)
    assert retention.plan(entry(5, size_bytes=700), now_ms=0) is None


def test_the_newest_batch_stays_whatever_is_allowed() -> None:
    retention = filled(entry(1), entry(2))
    retention.allow(0)
    cut = retention.excess(now_ms=0)
    assert cut is not None
    retention.remove(cut)
    assert retention.size_bytes == 10
    assert retention.excess(now_ms=0) is None
    assert filled().excess(now_ms=0) is None


def test_a_log_wants_what_it_holds_until_a_bound_shortened_it() -> None:
    retention = Retention(
        RetentionLimits(age_ms=10_000, event_count=1_000, size_bytes=1_000_000), Tier.HIGH
    )
    for seconds in range(4):
        retention.record(entry(seconds, size_bytes=100, at_ms=seconds * 1_000))
    assert retention.wanted_bytes(now_ms=4_000) == 400
    retention.allow(200)
    cut = retention.excess(now_ms=4_000)
    assert cut is not None
    retention.remove(cut)
    assert retention.wanted_bytes(now_ms=4_000) == 1_000, "200 bytes in 2 s, for 10 s"
    assert retention.wanted_bytes(now_ms=20_000) == 200, "it falls when nothing comes"


def test_of_a_critical_topic_four_times_as_much_is_kept_in_the_same_bytes() -> None:
    retention = filled(*(entry(n) for n in range(25)), tier=Tier.CRITICAL)
    assert retention.plan(entry(25, at_ms=399), now_ms=399) is None
    cut = retention.plan(entry(25, at_ms=400), now_ms=400)
    assert cut == (6, Position(1, 6), {TrimReason.AGE: 6})
    full = filled(entry(1, size_bytes=900), tier=Tier.CRITICAL)
    cut = full.plan(entry(2, size_bytes=101), now_ms=0)
    assert cut == (1, Position(1, 2), {TrimReason.SIZE: 1})


def test_what_is_promised_is_reckoned_by_age_or_count_whichever_keeps_more() -> None:
    limits = RetentionLimits(age_ms=10_000, event_count=10, size_bytes=1_000_000)
    retention = Retention(limits, Tier.CRITICAL)
    for seconds in range(20):
        retention.record(entry(seconds, size_bytes=100, at_ms=seconds * 1_000))
    assert retention.promised_bytes(now_ms=20_000) == 1_000, "10 s of 20"
    assert retention.promised_bytes(now_ms=40_000) == 1_000, "10 events of 20"
    assert retention.promised_bytes(now_ms=16_000) == 1_250
    assert Retention(limits, Tier.CRITICAL).promised_bytes(now_ms=0) == 0


def test_everything_is_promised_of_a_topic_that_keeps_no_more() -> None:
    retention = filled(*(entry(n, at_ms=n) for n in range(20)), tier=Tier.LOW)
    assert retention.promised_bytes(now_ms=99) == retention.wanted_bytes(now_ms=99) == 200


@given(
    tier=st.sampled_from([*Tier]),
    sizes=st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 600), st.integers(0, 60)), max_size=40
    ),
)
def test_it_agrees_with_a_naive_log(tier: Tier, sizes: list[tuple[int, int, int]]) -> None:
    retention = Retention(LIMITS, tier)
    log: list[KeptBatch] = []
    now_ms = seq = 0
    for count, size_bytes, wait_ms in sizes:
        now_ms += wait_ms
        seq += count
        added = entry(seq, count=count, size_bytes=size_bytes, at_ms=now_ms)
        cut = retention.plan(added, now_ms=now_ms)
        retention.record(added, cut)
        log.append(added)
        while len(log) > 1 and not _stays(log, now_ms, times=TIMES_KEPT[tier]):
            log.pop(0)
        assert retention.size_bytes == sum(each.size_bytes for each in log)
        assert cut is None or cut.oldest_kept == log[0].position
        assert retention.promised_bytes(now_ms=now_ms) <= retention.wanted_bytes(now_ms=now_ms)


def _stays(log: list[KeptBatch], now_ms: float, *, times: int) -> bool:
    if sum(each.size_bytes for each in log) > LIMITS.size_bytes:
        return False
    newer = sum(each.event_count for each in log[1:])
    is_young = now_ms - log[0].committed_at_ms < times * LIMITS.age_ms
    return is_young or newer < times * LIMITS.event_count
