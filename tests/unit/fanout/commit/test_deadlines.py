"""What is due comes up once, in order, at its earliest date."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.commit.deadlines import DeadlineQueue


def test_what_is_due_is_taken_in_order_and_once() -> None:
    deadlines: DeadlineQueue[str] = DeadlineQueue()
    deadlines.put("late", 20)
    deadlines.put("early", 10)
    assert deadlines.pop_due(now_ms=5) == []
    assert deadlines.pop_due(now_ms=20) == ["early", "late"]
    assert deadlines.pop_due(now_ms=20) == []


def test_a_date_is_brought_forward_but_never_put_off() -> None:
    deadlines: DeadlineQueue[str] = DeadlineQueue()
    deadlines.put("a", 20)
    assert deadlines.put("a", 10)
    assert not deadlines.put("a", 30)
    assert deadlines.next_ms() == 10
    assert deadlines.pop_due(now_ms=100) == ["a"]


def test_an_empty_agenda_has_no_next_date() -> None:
    assert DeadlineQueue[str]().next_ms() is None


@given(dates=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 50))), now_ms=st.integers(0, 50))
def test_it_agrees_with_a_plain_table(dates: list[tuple[int, int]], now_ms: int) -> None:
    deadlines: DeadlineQueue[int] = DeadlineQueue()
    earliest: dict[int, int] = {}
    for item, due_ms in dates:
        deadlines.put(item, due_ms)
        earliest[item] = min(due_ms, earliest.get(item, due_ms))
    assert deadlines.next_ms() == min(earliest.values(), default=None)
    due = deadlines.pop_due(now_ms=now_ms)
    assert sorted(due) == sorted(i for i, due_ms in earliest.items() if due_ms <= now_ms)
    assert [earliest[item] for item in due] == sorted(earliest[item] for item in due)
