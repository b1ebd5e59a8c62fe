"""All workers agree on the owner, and little moves when one comes or goes."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.ownership.rendezvous import owner_of, partitions_of
from fanwire.core.keys import PARTITION_COUNT

workers = st.sets(st.text("abcdef0123", min_size=1, max_size=6), min_size=1, max_size=6)


def test_nobody_owns_anything_without_workers() -> None:
    assert owner_of(3, []) is None


@given(workers=workers)
def test_every_partition_has_exactly_one_owner(workers: set[str]) -> None:
    shares = [partitions_of(worker, workers) for worker in workers]
    assert sorted(n for share in shares for n in share) == list(range(PARTITION_COUNT))


@given(workers=workers, leaver=st.integers(0))
def test_a_worker_that_leaves_moves_its_own_share_alone(workers: set[str], leaver: int) -> None:
    gone = sorted(workers)[leaver % len(workers)]
    rest = workers - {gone}
    for n in range(PARTITION_COUNT):
        if owner_of(n, workers) != gone:
            assert owner_of(n, rest) == owner_of(n, workers)


def test_three_workers_with_like_names_share_about_evenly() -> None:
    workers = ["w-1~00000001", "w-1~00000002", "w-1~00000003"]
    assert all(25 <= len(partitions_of(worker, workers)) <= 60 for worker in workers)
