"""Over the budget the low tiers of the heaviest orgs give way first."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from fanout.replay.budget import (
    DEFAULT_BUDGET_BYTES,
    FLOOR_BYTES,
    LogLoad,
    ServerMemory,
    allowances,
    worker_budget,
)
from fanwire.core.keys import PARTITION_COUNT
from fanwire.core.tiers import Tier

KIB = 1024
UNBOUNDED = ServerMemory(used_bytes=10**9, max_bytes=0)


def low(org: str, size_bytes: int) -> LogLoad:
    return promised(org, Tier.LOW, size_bytes)


def promised(org: str, tier: Tier, size_bytes: int) -> LogLoad:
    """Return a log that keeps no more than every topic may count on."""
    return LogLoad(org, tier, size_bytes, size_bytes)


def test_within_the_budget_nothing_is_bounded() -> None:
    assert allowances([low("a", 10), promised("a", Tier.HIGH, 20)], 30) == [None, None]


def test_the_heaviest_org_of_the_lowest_tier_gives_way_first() -> None:
    logs = [low("light", 10), low("heavy", 100), promised("heavy", Tier.NORMAL, 100)]
    assert allowances(logs, 150) == [None, 40, None]


def test_an_org_counts_with_all_its_logs_of_the_tier() -> None:
    logs = [low("two", 60), low("two", 60), low("one", 80)]
    assert allowances(logs, 160) == [40, 40, None]


def test_the_higher_tier_gives_way_when_the_lower_has_nothing_left() -> None:
    logs = [low("a", 10), promised("a", Tier.NORMAL, 30), promised("b", Tier.CRITICAL, 5)]
    assert allowances(logs, 20) == [0, 15, None]


def test_important_logs_go_below_their_floor_only_at_the_very_end() -> None:
    logs = [promised("a", tier, 2 * FLOOR_BYTES) for tier in (Tier.HIGH, Tier.CRITICAL)]
    assert allowances(logs, 2 * FLOOR_BYTES) == [FLOOR_BYTES, FLOOR_BYTES]
    assert allowances(logs, FLOOR_BYTES) == [0, FLOOR_BYTES]


some_logs = st.lists(
    st.builds(
        lambda org, tier, sizes: LogLoad(org, tier, max(sizes), min(sizes)),
        st.sampled_from("abcd"),
        st.sampled_from([*Tier]),
        st.tuples(st.integers(0, 2_000 * KIB), st.integers(0, 2_000 * KIB)),
    ),
    max_size=20,
)


@given(logs=some_logs, budget_bytes=st.integers(0, 10_000 * KIB))
def test_the_rest_fits_and_the_order_of_tiers_is_kept(
    logs: list[LogLoad], budget_bytes: int
) -> None:
    answers = allowances(logs, budget_bytes)
    assert answers == allowances(logs, budget_bytes)
    kept = [
        log.wanted_bytes if answer is None else answer
        for log, answer in zip(logs, answers, strict=True)
    ]
    assert sum(kept) <= budget_bytes
    left: defaultdict[Tier, int] = defaultdict(int)
    for log, size in zip(logs, kept, strict=True):
        assert 0 <= size <= log.wanted_bytes
        left[log.tier] += size
    for log, size in zip(logs, kept, strict=True):
        if size >= log.promised_bytes:
            continue
        if log.tier in (Tier.CRITICAL, Tier.HIGH):
            assert left[Tier.LOW] == left[Tier.NORMAL] == 0
        if log.tier is Tier.NORMAL:
            assert left[Tier.LOW] == 0
        if log.tier is Tier.CRITICAL and size < min(log.promised_bytes, FLOOR_BYTES):
            assert left[Tier.HIGH] == 0


@given(logs=some_logs, budget_bytes=st.integers(0, 10_000 * KIB))
def test_no_promise_is_broken_while_somebody_keeps_more_than_was_promised(
    logs: list[LogLoad], budget_bytes: int
) -> None:
    answers = allowances(logs, budget_bytes)
    kept = [
        log.wanted_bytes if answer is None else answer
        for log, answer in zip(logs, answers, strict=True)
    ]
    pairs = list(zip(logs, kept, strict=True))
    if any(size < log.promised_bytes for log, size in pairs):
        assert all(size <= log.promised_bytes for log, size in pairs)


@given(logs=some_logs, budget_bytes=st.integers(0, 10_000 * KIB))
def test_no_more_is_taken_than_needed(logs: list[LogLoad], budget_bytes: int) -> None:
    answers = allowances(logs, budget_bytes)
    kept = sum(
        log.wanted_bytes if answer is None else answer
        for log, answer in zip(logs, answers, strict=True)
    )
    # A level is a whole number of bytes, the same for all that are lowered to it.
    assert kept >= min(sum(log.wanted_bytes for log in logs), budget_bytes) - 2 * len(logs)


def test_workers_share_the_budget_by_the_partitions_that_they_hold() -> None:
    half = worker_budget(1_000_000, UNBOUNDED, held_count=PARTITION_COUNT // 2, kept_bytes=0)
    assert half == 500_000


def test_by_default_a_quarter_of_the_memory_is_for_replay() -> None:
    memory = ServerMemory(used_bytes=0, max_bytes=4_000)
    assert worker_budget(None, memory, held_count=PARTITION_COUNT, kept_bytes=0) == 1_000
    unbounded = worker_budget(None, UNBOUNDED, held_count=PARTITION_COUNT, kept_bytes=0)
    assert unbounded == DEFAULT_BUDGET_BYTES


def test_logs_give_way_where_the_server_is_nearly_full() -> None:
    memory = ServerMemory(used_bytes=1_000, max_bytes=1_000)
    assert worker_budget(900, memory, held_count=PARTITION_COUNT, kept_bytes=800) == 700
    assert worker_budget(900, memory, held_count=PARTITION_COUNT // 2, kept_bytes=400) == 350
    assert worker_budget(900, memory, held_count=PARTITION_COUNT, kept_bytes=50) == 0
