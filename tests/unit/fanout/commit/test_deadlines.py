"""What is due comes up once, in order, at its earliest date."""

from hypothesis import given
from hypothesis import strategies as st

from fanout.commit.deadlines import Agenda


def test_what_is_due_is_taken_in_order_and_once() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.put("late", 20)
    agenda.put("early", 10)
    assert agenda.take_due(now_ms=5) == []
    assert agenda.take_due(now_ms=20) == ["early", "late"]
    assert agenda.take_due(now_ms=20) == []


def test_a_date_is_brought_forward_but_never_put_off() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.put("a", 20)
    assert agenda.put("a", 10)
    assert not agenda.put("a", 30)
    assert agenda.next_ms() == 10
    assert agenda.take_due(now_ms=100) == ["a"]


def test_an_empty_agenda_has_no_next_date() -> None:
    assert Agenda[str]().next_ms() is None


@given(dates=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 50))), now_ms=st.integers(0, 50))
def test_it_agrees_with_a_plain_table(dates: list[tuple[int, int]], now_ms: int) -> None:
    agenda: Agenda[int] = Agenda()
    earliest: dict[int, int] = {}
    for item, due_ms in dates:
        agenda.put(item, due_ms)
        earliest[item] = min(due_ms, earliest.get(item, due_ms))
    assert agenda.next_ms() == min(earliest.values(), default=None)
    due = agenda.take_due(now_ms=now_ms)
    assert sorted(due) == sorted(i for i, due_ms in earliest.items() if due_ms <= now_ms)
    assert [earliest[item] for item in due] == sorted(earliest[item] for item in due)
