"""The open connections, found by id, user and org."""

from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.ids import Org, UserId
from gateway.connection.connection import Connection
from gateway.connection.registry import ConnectionRegistry
from tests.support.gateway_values import ACME, DEMO, some_claims
from tests.support.loopback import RecordingSessions


def a_connection(name: str, *, org: str = ACME, sub: str = DEMO) -> Connection:
    return Connection(RecordingSessions(), some_claims(org=org, sub=sub), name)


def test_connections_are_found_by_user_and_by_org() -> None:
    registry = ConnectionRegistry()
    first, second = a_connection("1"), a_connection("2")
    other_user, other_org = a_connection("3", sub="eve"), a_connection("4", org="globex")
    for connection in (first, second, other_user, other_org):
        registry.add(connection)
    assert registry.of_user(ACME, DEMO) == {first, second}
    assert set(registry.of_org(ACME)) == {first, second, other_user}
    assert registry.users(ACME) == [DEMO, UserId("eve")]
    assert registry.orgs() == [ACME, Org("globex")]
    assert (len(registry), registry.org_count(ACME)) == (4, 3)
    assert list(registry) == [first, second, other_user, other_org]


def test_who_is_not_here_is_not_found() -> None:
    registry = ConnectionRegistry()
    assert registry.of_user(ACME, DEMO) == set()
    assert list(registry.of_org(ACME)) == []
    assert registry.users(ACME) == []
    assert registry.org_count(ACME) == 0


def test_removing_what_was_never_added_does_nothing() -> None:
    registry = ConnectionRegistry()
    registry.remove(a_connection("1"))
    assert len(registry) == 0


def test_connections_may_be_removed_while_they_are_gone_through() -> None:
    registry = ConnectionRegistry()
    for name in "abc":
        registry.add(a_connection(name))
    for connection in registry.of_org(ACME):
        registry.remove(connection)
    for connection in registry:
        registry.remove(connection)
    assert len(registry) == 0


@given(
    st.lists(
        st.tuples(st.sampled_from(["acme", "globex"]), st.sampled_from(["demo", "eve"])),
        max_size=12,
    )
)
def test_when_all_have_left_nothing_is_kept_of_them(who: list[tuple[str, str]]) -> None:
    registry = ConnectionRegistry()
    connections = [
        a_connection(str(number), org=org, sub=sub) for number, (org, sub) in enumerate(who)
    ]
    for connection in connections:
        registry.add(connection)
    for connection in [*connections, *connections]:
        registry.remove(connection)
    assert vars(registry) == vars(ConnectionRegistry(registry.counters))
