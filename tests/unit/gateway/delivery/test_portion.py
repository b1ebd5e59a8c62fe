"""How much of a topic is delivered in one go."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.portion import MOST_BATCHES, TURN_WRITES, batches_at_once


@given(sockets=st.integers(min_value=0, max_value=1_000_000))
def test_a_turn_is_bounded_by_its_writes_and_never_empty(sockets: int) -> None:
    count = batches_at_once(sockets)
    assert 1 <= count <= MOST_BATCHES
    assert count == 1 or count * sockets <= TURN_WRITES


def test_a_topic_of_few_sockets_is_read_in_large_pieces() -> None:
    assert batches_at_once(0) == batches_at_once(10) == MOST_BATCHES
    assert batches_at_once(1_000) == 4
