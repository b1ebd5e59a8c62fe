"""The open connections of this process, found by id and by user."""

from collections import Counter
from collections.abc import Iterator, Set
from typing import TypeVar

from fanwire.core.ids import Org, UserId
from gateway.connection.connection import Connection
from gateway.connection.counters import GatewayCounters

Key = TypeVar("Key")


class ConnectionRegistry:
    """Every connection from its upgrade to its end."""

    def __init__(self, counters: GatewayCounters | None = None) -> None:
        self.counters = counters or GatewayCounters()
        self._by_id: dict[str, Connection] = {}
        self._by_org: dict[Org, dict[UserId, set[Connection]]] = {}
        self._org_counts: Counter[Org] = Counter()
        self._address_counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._by_id.values()))

    def add(self, connection: Connection) -> None:
        """Take in a connection."""
        claims = connection.claims
        self.counters.opened += 1
        self._by_id[connection.id] = connection
        self._by_org.setdefault(claims.org, {}).setdefault(claims.sub, set()).add(connection)
        self._org_counts[claims.org] += 1
        self._address_counts[connection.address] += 1

    def remove(self, connection: Connection) -> None:
        """Forget a connection that was taken in."""
        claims = connection.claims
        if self._by_id.pop(connection.id, None) is None:
            return
        users = self._by_org[claims.org]
        users[claims.sub].discard(connection)
        if not users[claims.sub]:
            del users[claims.sub]
        if not users:
            del self._by_org[claims.org]
        _count_down(self._org_counts, claims.org)
        _count_down(self._address_counts, connection.address)

    def of_user(self, org: Org, user: UserId) -> Set[Connection]:
        """Return the user's connections here."""
        return self._by_org.get(org, {}).get(user, set())

    def of_org(self, org: Org) -> Iterator[Connection]:
        """Return the org's connections here."""
        for connections in list(self._by_org.get(org, {}).values()):
            yield from list(connections)

    def users(self, org: Org) -> list[UserId]:
        """Return the users of `org` that are connected here."""
        return list(self._by_org.get(org, ()))

    def orgs(self) -> list[Org]:
        """Return the orgs that have connections here."""
        return list(self._by_org)

    def org_counts(self) -> dict[Org, int]:
        """Return how many connections each org has here."""
        return dict(self._org_counts)

    def org_count(self, org: Org) -> int:
        """Return how many connections `org` has here."""
        return self._org_counts[org]

    def address_count(self, address: str) -> int:
        """Return how many connections come from `address`."""
        return self._address_counts[address]


def _count_down(counts: Counter[Key], key: Key) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
