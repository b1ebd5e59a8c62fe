"""Which sockets the fields of an org tell of."""

import orjson

from fanwire.cli.inspect.connections import connections_of
from fanwire.core.ids import Org

ACME = Org("acme")


def stored(version: int, *services: str, property_id: str | None = None) -> bytes:
    wish = {"services": services, "propertyId": property_id, "propertyVersion": 0}
    return b"%d %b" % (version, orjson.dumps(wish))


def test_a_socket_is_told_with_its_gateway_and_its_services() -> None:
    fields = {":version": b"7", "ada#gw-1~x": stored(0, "tasks", property_id="p9")}
    (found,) = connections_of(ACME, fields, frozenset({"gw-1"}))
    assert (found.user, found.node, found.services, found.property_id) == (
        "ada",
        "gw-1",
        ("tasks",),
        "p9",
    )
    assert found.is_beating
    assert found.field == "ada#gw-1~x"


def test_the_newest_change_counts_be_it_the_sockets_or_the_users() -> None:
    fields = {
        "ada": stored(5, "users"),
        "ada#gw-1~old": stored(3, "tasks"),
        "ada#gw-1~new": stored(6, "staff"),
    }
    services = {each.id: each.services for each in connections_of(ACME, fields, frozenset())}
    assert services == {"gw-1~old": ("users",), "gw-1~new": ("staff",)}


def test_a_socket_of_a_gateway_that_is_silent_is_marked() -> None:
    (found,) = connections_of(ACME, {"ada#gw-1~x": stored(0)}, frozenset({"gw-2"}))
    assert not found.is_beating
