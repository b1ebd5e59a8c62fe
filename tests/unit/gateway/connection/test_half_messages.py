"""What half messages hold in sum."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.connection.half_messages import HalfMessages


def test_B139_over_the_bound_the_oldest_half_message_gives_its_socket_up() -> None:
    halves: HalfMessages[str] = HalfMessages(max_bytes=10)
    assert halves.note("first", 4) is None
    assert halves.note("second", 4) is None
    assert halves.note("first", 6) is None, "it was begun first, however often it grows"
    assert halves.note("third", 1) == "first"


def test_what_is_complete_or_gone_holds_nothing() -> None:
    halves: HalfMessages[str] = HalfMessages(max_bytes=10)
    halves.note("a", 10)
    halves.note("a", 0)
    halves.note("never seen", 0)
    assert halves.used_bytes == 0
    assert halves.note("b", 10) is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20))))
def test_the_sum_is_that_of_the_latest_of_each(notes: list[tuple[str, int]]) -> None:
    halves: HalfMessages[str] = HalfMessages(max_bytes=30)
    for socket, held_bytes in notes:
        halves.note(socket, held_bytes)
    assert halves.used_bytes == sum(dict(notes).values())
