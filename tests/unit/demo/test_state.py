"""A page finds the newest state of what changed last, and no more than it may hold."""

from demo.state import DemoState
from fanwire.core.position import Position
from fanwire.publish.new_event import NewEvent
from fanwire.wire.delivered_event import DeliveredEvent


def task(number: str, title: str, property_id: str | None = None) -> NewEvent:
    return NewEvent("acme", "tasks", {"title": title}, entity_id=number, property_id=property_id)


def titles(state: DemoState, property_id: str | None = None) -> list[str]:
    return [row["data"]["title"] for row in state.rows("tasks", property_id)]


def test_of_each_entity_the_newest_state_is_found_the_latest_change_last() -> None:
    state = DemoState()
    for ts_ms, (number, title) in enumerate((("1", "a"), ("2", "b"), ("1", "c"))):
        state.publishing(task(number, title), ts_ms)
    assert titles(state) == ["b", "c"]


def test_an_event_that_is_delivered_late_does_not_bring_the_old_state_back() -> None:
    state = DemoState()
    state.publishing(task("1", "new"), 20)
    old = DeliveredEvent("tasks", Position(1, 1), {"title": "old"}, ts_ms=10, entity_id="1")
    state.delivered(old)
    assert titles(state) == ["new"]


def test_an_event_without_an_entity_is_one_of_its_own() -> None:
    state = DemoState()
    for seq in (1, 2):
        state.delivered(DeliveredEvent("tasks", Position(1, seq), {"title": f"{seq}"}, ts_ms=1))
    assert titles(state) == ["1", "2"]


def test_a_property_sees_its_own_and_what_is_of_none() -> None:
    state = DemoState()
    for number, place in (("1", "p1"), ("2", "p2"), ("3", None)):
        state.publishing(task(number, number, place), 1)
    assert titles(state, "p1") == ["1", "3"]


def test_what_changed_longest_ago_is_forgotten_first() -> None:
    state = DemoState()
    for number in range(100):
        state.publishing(task(str(number), str(number)), number)
    assert titles(state) == [str(number) for number in range(40, 100)]
    assert state.rows("unheard-of") == []
