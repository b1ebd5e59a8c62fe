"""Sockets on their way in: checked already, and not registered yet.

Without them a limit would be checked against the sockets that are there, and ten connects of one
moment would all pass where two are allowed.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from fanwire.auth.claims import Claims
from fanwire.core.ids import Org, UserId

Key = TypeVar("Key")


class Arrivals:
    """Counts them by org, user and address. Bound: the limits that they are counted for."""

    def __init__(self) -> None:
        self._count = 0
        self._orgs: Counter[Org] = Counter()
        self._users: Counter[tuple[Org, UserId]] = Counter()
        self._addresses: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._count

    def of_org(self, org: Org) -> int:
        """Return how many are of `org`."""
        return self._orgs[org]

    def of_user(self, org: Org, user: UserId) -> int:
        """Return how many are of one user."""
        return self._users[org, user]

    def of_address(self, address: str) -> int:
        """Return how many come from `address`."""
        return self._addresses[address]

    @contextmanager
    def counted(self, claims: Claims, address: str) -> Iterator[None]:
        """Count one more inside the block."""
        self._add(claims, address, 1)
        try:
            yield
        finally:
            self._add(claims, address, -1)

    def _add(self, claims: Claims, address: str, change: int) -> None:
        self._count += change
        _add(self._orgs, claims.org, change)
        _add(self._users, (claims.org, claims.sub), change)
        _add(self._addresses, address, change)


def _add(counts: Counter[Key], key: Key, change: int) -> None:
    counts[key] += change
    if not counts[key]:
        del counts[key]
