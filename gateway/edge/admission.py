"""Who is let in: the checks that need no token first, then the caller's own limits.

An overloaded gateway keeps the sockets that it has and refuses new ones, with a time after
which to come back. The wait is spread, or the refused would all return at once.
"""

import random
from collections import OrderedDict
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from fanwire.auth.claims import Claims
from fanwire.core.clock import now_ms
from fanwire.errors import Draining, Overloaded, RateLimited
from gateway.connection.rate_limit import RateLimit, TokenBucket
from gateway.connection.registry import ConnectionRegistry
from gateway.edge.arrivals import Arrivals

MAX_BUCKETS: Final = 50_000
"""More than twice the users of a full gateway, at a socket each."""


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """Sockets of this process, and what one user may do."""

    max_connections: int
    max_per_user: int
    max_per_org: int
    max_per_address: int | None
    connects_per_user: RateLimit
    requests_per_user: RateLimit


class Admission:
    """Keeps the door. What is checked is counted in the same step, also before the upgrade."""

    def __init__(self, limits: AdmissionLimits, registry: ConnectionRegistry) -> None:
        self._limits = limits
        self._registry = registry
        self._arrivals = Arrivals()
        self._connects = _Buckets(limits.connects_per_user)
        self._requests = _Buckets(limits.requests_per_user)
        self.max_connections = limits.max_connections
        """Sockets of this process, until the system allows fewer (descriptors.py beside this)."""
        self.is_draining = False

    def check_node(self) -> None:
        """Refuse a new socket that this node cannot take; raises Draining, Overloaded."""
        if self.is_draining:
            raise Draining("this gateway is leaving", retry_after_ms=_spread_ms(500))
        if len(self._registry) + len(self._arrivals) >= self.max_connections:
            raise Overloaded(
                f"this gateway has its {self.max_connections} connections",
                retry_after_ms=_spread_ms(2_000),
            )

    def check_address(self, address: str) -> None:
        """Refuse a socket of an address that has its share; raises RateLimited."""
        limit = self._limits.max_per_address
        if limit is None:
            return
        here = self._registry.address_count(address) + self._arrivals.of_address(address)
        if here >= limit:
            raise RateLimited(
                f"the address {address} has {limit} connections here",
                retry_after_ms=_spread_ms(5_000),
            )

    def arrive(self, claims: Claims, address: str) -> AbstractContextManager[None]:
        """Hold a place for a socket, to be left when it is registered or gone.

        Raises:
            RateLimited: If its user or its org has no place left.
        """
        self._check_user(claims)
        self._connects.spend(claims, "connects")
        return self._arrivals.counted(claims, address)

    def _check_user(self, claims: Claims) -> None:
        org, user = claims.org, claims.sub
        here = len(self._registry.of_user(org, user)) + self._arrivals.of_user(org, user)
        if here >= self._limits.max_per_user:
            raise RateLimited(
                f"this user has {self._limits.max_per_user} connections here",
                retry_after_ms=_spread_ms(5_000),
            )
        here = self._registry.org_count(org) + self._arrivals.of_org(org)
        if here >= self._limits.max_per_org:
            raise RateLimited(
                f"this org has {self._limits.max_per_org} connections here",
                retry_after_ms=_spread_ms(5_000),
            )

    def check_request(self, claims: Claims) -> None:
        """Refuse an HTTP request beyond the caller's rate; raises RateLimited."""
        self._requests.spend(claims, "requests")


class _Buckets:
    """A bucket per user. Bound: MAX_BUCKETS; the one unused the longest is forgotten."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._buckets: OrderedDict[tuple[str, str], TokenBucket] = OrderedDict()

    def spend(self, claims: Claims, what: str) -> None:
        key = (claims.org, claims.sub)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(self._limit, now_ms=now_ms())
        self._buckets.move_to_end(key)
        while len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        if not bucket.spend(self._limit, now_ms=now_ms()):
            raise RateLimited(
                f"more than {self._limit.per_s:g} {what}/s of this user",
                retry_after_ms=bucket.retry_after_ms(self._limit),
            )


def _spread_ms(shortest_ms: int) -> int:
    return int(shortest_ms * (1 + random.random()))
