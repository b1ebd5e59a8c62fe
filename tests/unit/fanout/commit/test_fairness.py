"""Orgs share the turns; no tier starves; what is free is used."""

import random
from collections import defaultdict, deque

from hypothesis import given
from hypothesis import strategies as st

from fanout.commit.fairness import FairnessLimits, FairTurns
from fanwire.core.tiers import Tier

LIMITS = FairnessLimits(turn_bytes=400, tier_least_bytes=50, quantum_bytes=100, commit_bytes=0)
LARGEST = 100

Item = tuple[str, Tier, int, int]
"""Org, tier, number, bytes."""


def turns_of(items: list[Item], limits: FairnessLimits = LIMITS) -> list[list[Item]]:
    """Return what each turn takes until nothing waits."""
    fair: FairTurns[Item] = FairTurns(limits)
    for item in items:
        fair.put(item, org=item[0], tier=item[1])
    taken = []
    while [*fair]:
        taken.append(turn(fair))
        assert taken[-1], "a turn in which something waits takes something"
    return taken


def turn(fair: FairTurns[Item]) -> list[Item]:
    fair.begin()
    taken = []
    while (item := fair.pop_next()) is not None:
        fair.charge(item[3])
        taken.append(item)
    return taken


def test_the_highest_tier_leaves_first() -> None:
    items = [("a", tier, 0, 10) for tier in reversed(Tier)]
    assert [item[1] for item in turns_of(items)[0]] == [*Tier]


def test_an_item_that_waits_is_not_put_twice() -> None:
    assert turns_of([("a", Tier.HIGH, 0, 1)] * 2) == [[("a", Tier.HIGH, 0, 1)]]


def test_a_flood_is_interleaved_with_the_others() -> None:
    flood = [("flood", Tier.HIGH, n, 100) for n in range(50)]
    quiet = [(f"quiet{n}", Tier.HIGH, 0, 10) for n in range(3)]
    first = turns_of(flood + quiet)[0]
    assert set(quiet) < set(first)


def test_a_debt_outlives_the_moment_in_which_nothing_of_the_org_waits() -> None:
    fair: FairTurns[Item] = FairTurns(
        FairnessLimits(turn_bytes=100, tier_least_bytes=0, quantum_bytes=100, commit_bytes=0)
    )
    for n in range(9):
        fair.put(("b", Tier.HIGH, n, 100), org="b", tier=Tier.HIGH)
    fair.put(("a", Tier.HIGH, 0, 300), org="a", tier=Tier.HIGH)
    order = []
    for n in range(1, 8):
        taken = turn(fair)
        order += [item[0] for item in taken]
        if taken[0][0] == "a":
            fair.put(("a", Tier.HIGH, n, 300), org="a", tier=Tier.HIGH)
    assert "".join(order).count("a") == 2
    assert "aa" not in "".join(order)


some_items = st.lists(
    st.tuples(
        st.sampled_from("abcd"), st.sampled_from([*Tier]), st.integers(0, 99), st.integers(1, 100)
    ),
    max_size=80,
    unique=True,
)


@given(items=some_items)
def test_everything_leaves_once_and_turns_are_full_and_bounded(items: list[Item]) -> None:
    taken = turns_of(items)
    assert sorted(item for each in taken for item in each) == sorted(items)
    for each in taken[:-1]:
        spent = sum(item[3] for item in each)
        assert LIMITS.turn_bytes <= spent < LIMITS.turn_bytes + len(Tier) * LARGEST


@given(items=some_items)
def test_every_tier_that_waits_gets_its_least_share_of_each_turn(items: list[Item]) -> None:
    left: dict[Tier, int] = defaultdict(int)
    for item in items:
        left[item[1]] += item[3]
    for each in turns_of(items):
        for tier in Tier:
            spent = sum(item[3] for item in each if item[1] is tier)
            assert spent >= min(LIMITS.tier_least_bytes, left[tier])
            left[tier] -= spent


@given(items=some_items)
def test_no_org_waits_for_more_than_its_share(items: list[Item]) -> None:
    for tier in Tier:
        order = [i for each in turns_of(items) for i in each if i[1] is tier]
        got: dict[str, int] = defaultdict(int)
        waiting = {org: sum(i[0] == org for i in order) for org in "abcd"}
        for item in order:
            got[item[0]] += item[3]
            waiting[item[0]] -= 1
            others = [got[org] for org, count in waiting.items() if count and org != item[0]]
            least = min(others, default=got[item[0]])
            assert got[item[0]] - least <= 2 * LIMITS.quantum_bytes + LARGEST


COMMIT_MS = 0.15
EVENT_MS = 0.04
EVENT_BYTES = 200
BATCH = 200
WINDOW_MS = 30.0
ORGS = 20
QUIET_PER_S = 10
SIMULATED_MS = 20_000


def p95_of_quiet_orgs(flood_per_s: float) -> float:
    """Simulate one worker; return the wait in ms that 95 % of the quiet orgs' events stay below."""
    chance = random.Random(7)
    arrivals: list[tuple[float, str]] = []
    for n in range(ORGS):
        at_ms = 0.0
        while (at_ms := at_ms + chance.expovariate(QUIET_PER_S / 1000)) < SIMULATED_MS:
            arrivals.append((at_ms, f"quiet{n}"))
    at_ms = 0.0
    flood = 0
    while flood_per_s and (at_ms := at_ms + chance.expovariate(flood_per_s / 1000)) < SIMULATED_MS:
        arrivals.append((at_ms, f"flood{flood % 8}"))
        flood += 1
    coming = deque(sorted(arrivals))
    waiting: defaultdict[str, deque[float]] = defaultdict(deque)
    free_ms: dict[str, float] = defaultdict(float)
    fair: FairTurns[str] = FairTurns(FairnessLimits())
    waits = []
    now_ms = 0.0
    while coming or any(waiting.values()):
        while coming and coming[0][0] <= now_ms:
            at_ms, topic = coming.popleft()
            waiting[topic].append(at_ms)
        for topic, events in waiting.items():
            if len(events) >= BATCH or (events and free_ms[topic] <= now_ms):
                fair.put(
                    topic,
                    org=topic.rstrip("0123456789") if "flood" in topic else topic,
                    tier=Tier.HIGH,
                )
        fair.begin()
        spent_ms = 0.0
        done: list[tuple[str, float]] = []
        while (name := fair.pop_next()) is not None:
            batch = [waiting[name].popleft() for _ in range(min(BATCH, len(waiting[name])))]
            fair.charge(len(batch) * EVENT_BYTES)
            spent_ms += COMMIT_MS + EVENT_MS * len(batch)
            free_ms[name] = now_ms + WINDOW_MS
            done += [(name, each) for each in batch]
        now_ms += max(spent_ms, 0.5)
        waits += [now_ms - at_ms for name, at_ms in done if name.startswith("quiet")]
    return sorted(waits)[int(len(waits) * 0.95)]


def test_an_org_at_a_hundred_times_the_load_hardly_delays_the_others() -> None:
    alone_ms = p95_of_quiet_orgs(0)
    assert p95_of_quiet_orgs(100 * QUIET_PER_S) < 1.2 * alone_ms
