"""The demo's events make sense and are the same for the same seed."""

from itertools import islice

from demo.cast import PROPERTIES
from demo.world import SERVICES, DemoWorld
from fanwire.publish.new_event import NewEvent, checked_outgoing


def events(seed: int, count: int = 600) -> list[NewEvent]:
    return list(islice(DemoWorld("acme", seed).events(), count))


def test_the_same_seed_tells_the_same_story() -> None:
    assert events(1) == events(1)
    assert events(1) != events(2)


def test_every_service_has_its_say_and_no_other() -> None:
    assert {event.service for event in events(7)} == set(SERVICES)


def test_every_event_may_be_published() -> None:
    for event in events(7):
        checked_outgoing(event)
        assert event.property_id is None or event.property_id in PROPERTIES


def test_only_a_task_that_was_created_is_done_and_only_once() -> None:
    begun: set[str | None] = set()
    for event in events(7, 3000):
        if event.type == "task.created":
            assert event.entity_id not in begun
            begun.add(event.entity_id)
        elif event.type == "task.done":
            begun.remove(event.entity_id)
    assert len(begun) <= 24


def test_every_guest_is_expected_then_comes_then_leaves() -> None:
    order = {None: "guest.expected", "guest.expected": "guest.checked_in"}
    last: dict[str | None, str | None] = {}
    for event in events(7, 3000):
        if event.service == "guest-checkin":
            following = order.get(last.get(event.entity_id), "guest.checked_out")
            assert event.type == following
            last[event.entity_id] = event.type


def test_no_house_has_more_guests_than_units() -> None:
    for event in events(7, 3000):
        if event.service == "properties":
            assert isinstance(event.data, dict)
            assert 0 <= event.data["occupied"] <= event.data["units"]
