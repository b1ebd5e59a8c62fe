"""How many sockets an event goes to."""

from fanwire.cli.inspect.connections import OpenConnection
from fanwire.cli.inspect.reach import Reach, reach_of
from fanwire.core.ids import Org, UserId


def a_socket(*services: str, property_id: str | None = None) -> OpenConnection:
    return OpenConnection(Org("acme"), UserId("ada"), "gw~1", services, property_id, 0, True)


SOCKETS = [
    a_socket("tasks"),
    a_socket("tasks", "users", property_id="p1"),
    a_socket("tasks", property_id="p2"),
    a_socket("users"),
]


def test_sockets_of_the_service_count_as_their_filters_let_it_through() -> None:
    assert reach_of(SOCKETS, service="tasks", property_id="p1") == Reach(2, 1)


def test_an_event_of_no_property_passes_every_filter() -> None:
    assert reach_of(SOCKETS, service="tasks", property_id=None) == Reach(3, 0)


def test_nobody_is_reached_by_a_service_that_nobody_has() -> None:
    assert reach_of(SOCKETS, service="finance", property_id="p1") == Reach(0, 0)
