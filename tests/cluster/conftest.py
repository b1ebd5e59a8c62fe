"""Orgs on stacks of a test's own, whose processes and servers it may kill."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import pytest
from redis.asyncio import Redis

from shared.redis.client import connect
from tests.support.balancer import Balancer
from tests.support.needed import needed
from tests.support.stack import Stack
from tests.support.tenant import Door, Tenant

UNHINDERED = {
    "GATEWAY_CONNECTS_PER_USER_PER_S": "10000",
    "GATEWAY_CONNECT_BURST": "10000",
    "GATEWAY_REQUESTS_PER_USER_PER_S": "10000",
    "GATEWAY_REQUEST_BURST": "10000",
    "GATEWAY_MAX_CONNECTIONS_PER_USER": "10000",
    "FANOUT_LEASE_MS": "900",
    "FANOUT_LEASE_RENEW_MS": "300",
}
"""No limit per user, and short leases, so that a takeover takes a second."""

ON_VALKEY = pytest.mark.parametrize("engine", ["valkey"], indirect=True, scope="session")
"""For what no engine can tell apart, so that the run stays short."""

B = TypeVar("B", bound=Balancer)
OpenTenant = Callable[..., Tenant]
StartBalancer = Callable[[B], Awaitable[B]]


@pytest.fixture
async def tenant_of() -> AsyncIterator[OpenTenant]:
    """Open an org on a stack, with a Redis client of its own: `tenant_of(stack, door=balancer)`."""
    opened: list[tuple[Tenant, Redis]] = []

    def open_tenant(stack: Stack, *, door: Door | None = None) -> Tenant:
        redis = connect(stack.redis_url)
        opened.append((Tenant(stack, redis, door=door), redis))
        return opened[-1][0]

    yield open_tenant
    for tenant, redis in opened:
        await tenant.close()
        await redis.aclose()


@pytest.fixture
async def start_balancer() -> AsyncIterator[StartBalancer[B]]:
    """Start a balancer, or skip where it is not installed: `start_balancer(Haproxy(…))`."""
    started: list[B] = []

    async def start(balancer: B) -> B:
        needed(balancer.kind)
        started.append(balancer)
        await balancer.start()
        return balancer

    yield start
    for balancer in started:
        await balancer.stop()
