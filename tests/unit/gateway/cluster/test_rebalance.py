"""Who gives sockets away, how many, and when nobody may."""

import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cluster.rebalance import MOST_MOVES, Hold, Peer, Rebalance, RebalanceLimits, Shed

LIMITS = RebalanceLimits()
LOOK_MS = 10_000.0
BEAT_MS = 5_000
STEP_MS = 2_500


class RebalanceNode:
    """A gateway that has looked often enough to trust what it sees."""

    def __init__(self, *counts: int, limits: RebalanceLimits = LIMITS) -> None:
        self.now_ms = 0.0
        self.rebalance = Rebalance(limits)
        self.counts = list(counts)
        self.silent: set[int] = set()
        self.unready: set[int] = set()
        self.started_ms: dict[int, float] = {}
        while self.now_ms <= limits.settling_ms:
            self.look(0)

    def _peer(self, n: int, count: int) -> Peer:
        beat_ms = 0 if n in self.silent else int(self.now_ms)
        up_ms = self.now_ms - self.started_ms.get(n, 0)
        return Peer(f"gw-{n}", beat_ms, up_ms, count, n not in self.unready)

    def look(self, own: int) -> Shed | Hold:
        self.now_ms += LOOK_MS
        peers = [self._peer(n, count) for n, count in enumerate(self.counts)]
        return self.rebalance.judge(own, peers, interval_ms=LOOK_MS, now_ms=self.now_ms)


def test_a_gateway_well_above_the_mean_gives_a_part_of_it_away() -> None:
    # The mean is 200, and a quarter of what is above it goes within ten seconds of 120.
    assert RebalanceNode(100, 100).look(400) == Shed(50)


def test_it_is_never_faster_than_the_limit() -> None:
    assert RebalanceNode(0, 0).look(20_000) == Shed(200)


@pytest.mark.parametrize("own", [1_000, 1_099, 1_200])
def test_a_share_that_is_about_fair_is_kept(own: int) -> None:
    assert RebalanceNode(1_000, 1_000).look(own) is Hold.LEVEL


def test_it_goes_on_below_the_mark_at_which_it_began() -> None:
    node = RebalanceNode(1_000, 1_000)
    assert node.look(1_100) is Hold.LEVEL
    assert isinstance(node.look(1_400), Shed)
    assert isinstance(node.look(1_100), Shed)
    assert node.look(1_049) is Hold.LEVEL
    assert node.look(1_100) is Hold.LEVEL


def test_few_sockets_are_not_worth_a_move() -> None:
    assert RebalanceNode(0, 0).look(99) is Hold.FEW


def test_there_is_nobody_to_give_to() -> None:
    assert RebalanceNode().look(1_000) is Hold.ALONE


def test_nothing_moves_while_a_gateway_leaves_or_is_unready() -> None:
    node = RebalanceNode(100, 100)
    node.unready.add(1)
    assert node.look(400) is Hold.UNREADY


def test_nothing_moves_by_the_counts_of_a_silent_gateway() -> None:
    node = RebalanceNode(100, 100)
    node.silent.add(0)
    assert isinstance(node.look(400), Shed), "one missing beat is none"
    assert isinstance(node.look(400), Shed)
    assert node.look(400) is Hold.SILENT


def test_nothing_moves_until_a_new_gateway_has_stayed_for_a_while() -> None:
    node = RebalanceNode(100, 100)
    node.counts.append(0)
    held = 0
    while node.look(400) is Hold.SETTLING:
        held += 1
    assert (held - 1) * LOOK_MS < LIMITS.settling_ms <= held * LOOK_MS


def test_one_that_was_started_anew_under_its_name_has_to_stay_for_a_while_too() -> None:
    node = RebalanceNode(100, 100)
    assert isinstance(node.look(400), Shed)
    node.started_ms[0] = node.now_ms
    assert node.look(400) is Hold.SETTLING


def test_a_doubt_ends_the_spell() -> None:
    node = RebalanceNode(1_000, 1_000)
    assert isinstance(node.look(1_400), Shed)
    node.unready.add(0)
    assert node.look(1_100) is Hold.UNREADY
    node.unready.clear()
    assert node.look(1_100) is Hold.LEVEL


def test_it_gives_up_when_the_sockets_come_back() -> None:
    node = RebalanceNode(100, 100)
    given_away, verdict = 0, node.look(400)
    while isinstance(verdict, Shed):
        given_away += verdict.count
        verdict = node.look(400)
    assert verdict is Hold.VAIN
    assert given_away == MOST_MOVES * 200
    tries = int(LIMITS.rest_ms / LOOK_MS) - 1
    assert {node.look(400) for _ in range(tries)} == {Hold.VAIN}
    assert isinstance(node.look(400), Shed)


Place = Callable[[list[int], random.Random], int]


def to_the_emptiest(counts: list[int], chance: random.Random) -> int:
    return counts.index(min(counts))


def to_anyone(counts: list[int], chance: random.Random) -> int:
    return chance.randrange(len(counts))


def to_the_first(counts: list[int], chance: random.Random) -> int:
    return 0


class NodesOfOneCluster:
    """Gateways that see each other's counts late, and a balancer that places what they move."""

    def __init__(self, counts: Sequence[int], place: Place, seed: int) -> None:
        self.chance = random.Random(seed)
        self.counts = list(counts)
        self.place = place
        self.policies = [Rebalance(LIMITS) for _ in counts]
        self.looks_at = [self.chance.randrange(int(LOOK_MS)) for _ in counts]
        self.beats_at = [self.chance.randrange(BEAT_MS) for _ in counts]
        self.beats = [Peer(f"gw-{n}", 0, 0, count) for n, count in enumerate(counts)]
        self.under_way: list[tuple[float, int]] = []
        self.moves: list[float] = []

    def run(self, until_s: int) -> None:
        for now_ms in range(0, until_s * 1000, STEP_MS):
            self._arrive(now_ms)
            for n, count in enumerate(self.counts):
                if now_ms >= self.beats_at[n]:
                    self.beats_at[n] += BEAT_MS
                    self.beats[n] = Peer(f"gw-{n}", now_ms, now_ms, count)
                if now_ms >= self.looks_at[n]:
                    self.looks_at[n] += int(LOOK_MS)
                    self._look(n, now_ms)

    def _arrive(self, now_ms: float) -> None:
        due = [one for one in self.under_way if one[0] <= now_ms]
        self.under_way = [one for one in self.under_way if one[0] > now_ms]
        for _, origin in due:
            self.counts[origin] -= 1
            self.counts[self.place(self.counts, self.chance)] += 1

    def _look(self, n: int, now_ms: float) -> None:
        others = [beat for m, beat in enumerate(self.beats) if m != n]
        verdict = self.policies[n].judge(self.counts[n], others, interval_ms=LOOK_MS, now_ms=now_ms)
        if isinstance(verdict, Shed):
            self.moves += [now_ms] * verdict.count
            self.under_way += [
                (now_ms + self.chance.random() * LOOK_MS, n) for _ in range(verdict.count)
            ]


counts = st.lists(st.integers(0, 2_000), min_size=2, max_size=6).filter(
    lambda each: sum(each) > 600
)


def surplus_of(counts: Sequence[int]) -> float:
    mean = sum(counts) / len(counts)
    return sum(max(0.0, count - mean) for count in counts)


def is_level(counts: Sequence[int]) -> bool:
    mean = sum(counts) / len(counts)
    return all(count <= max(1.2 * mean, LIMITS.fewest) for count in counts)


@pytest.mark.slow
@given(counts=counts, seed=st.integers(0, 2**32))
def test_behind_leastconn_any_spread_is_level_in_ten_minutes_and_stays_so(
    counts: list[int], seed: int
) -> None:
    cluster = NodesOfOneCluster(counts, to_the_emptiest, seed)
    cluster.run(15 * 60)
    assert is_level(cluster.counts)
    assert not [at_ms for at_ms in cluster.moves if at_ms > 10 * 60 * 1000]
    assert len(cluster.moves) <= 1.2 * surplus_of(counts) + len(counts)


@pytest.mark.slow
@given(counts=counts, seed=st.integers(0, 2**32))
def test_behind_a_balancer_that_places_at_random_it_is_level_in_the_end(
    counts: list[int], seed: int
) -> None:
    # It may have to give up once in between: the others' sockets come to it as well.
    cluster = NodesOfOneCluster(counts, to_anyone, seed)
    cluster.run(45 * 60)
    assert is_level(cluster.counts)


@pytest.mark.slow
@given(counts=counts, seed=st.integers(0, 2**32))
def test_behind_a_balancer_that_gives_everything_back_the_moves_are_bounded(
    counts: list[int], seed: int
) -> None:
    cluster = NodesOfOneCluster(counts, to_the_first, seed)
    cluster.run(20 * 60)
    # What the others have above their share goes to the first; then it moves its own in vain.
    assert len(cluster.moves) <= surplus_of(counts) + MOST_MOVES * sum(counts)
