"""The latest batches of a topic, kept for resumes."""

from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.position import ZERO
from gateway.delivery.tail import Tail
from tests.support.gateway_values import a_plain_chain, at

CHAIN = a_plain_chain(5)


def a_tail(*, max_bytes: int = 1_000_000, max_entries: int = 100) -> Tail:
    tail = Tail(max_bytes=max_bytes, max_entries=max_entries)
    for entry in CHAIN:
        tail.append(entry)
    return tail


def test_what_follows_a_position_is_kept_in_order() -> None:
    assert a_tail().after(at(2)) == CHAIN[2:]
    assert a_tail().after(ZERO) == CHAIN


def test_a_position_that_is_not_on_the_run_finds_nothing() -> None:
    assert a_tail().after(at(99)) is None
    assert a_tail().after(at(2, epoch=7)) is None


def test_the_head_itself_has_no_successor_here() -> None:
    assert a_tail().after(CHAIN[-1].position) is None


def test_the_oldest_batch_gives_way_to_a_new_one() -> None:
    tail = a_tail(max_entries=2)
    assert tail.after(at(3)) == CHAIN[3:]
    assert tail.after(at(2)) is None


def test_a_batch_larger_than_the_bound_leaves_nothing() -> None:
    tail = a_tail(max_bytes=10)
    assert tail.after(at(4)) is None


def test_after_a_break_nothing_of_the_old_chain_is_left() -> None:
    tail = a_tail()
    tail.clear()
    assert [tail.after(entry.prev) for entry in CHAIN] == [None] * 5
    tail.append(CHAIN[4])
    assert tail.after(at(4)) == CHAIN[4:]


@given(
    sizes=st.lists(st.integers(min_value=2, max_value=300), max_size=12),
    max_bytes=st.integers(min_value=0, max_value=2_000),
    max_entries=st.integers(min_value=1, max_value=5),
)
def test_the_bounds_hold_and_as_much_is_kept_as_they_allow(
    sizes: list[int], max_bytes: int, max_entries: int
) -> None:
    tail = Tail(max_bytes=max_bytes, max_entries=max_entries)
    prev, entries = ZERO, []
    for size in sizes:
        [entry] = a_plain_chain(1, after=prev, payload=b'"%b"' % (b"x" * size))
        tail.append(entry)
        entries.append(entry)
        prev = entry.position
        kept = next((k for e in entries if (k := tail.after(e.prev)) is not None), [])
        assert kept == entries[len(entries) - len(kept) :]
        assert len(kept) <= max_entries
        assert sum(len(each.body) for each in kept) <= max_bytes
