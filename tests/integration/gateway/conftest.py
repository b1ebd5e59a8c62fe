"""A stack that the tests share, and an org for each of them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from shared.redis.client import connect
from tests.support.real_server import RealServer
from tests.support.stack import Stack
from tests.support.tenant import Tenant

SHARED = {
    "GATEWAY_SUBSCRIPTION_POLL_MS": "500",
    "GATEWAY_SWEEP_MS": "500",
    "GATEWAY_CONNECTS_PER_USER_PER_S": "1000",
    "GATEWAY_CONNECT_BURST": "1000",
    "GATEWAY_REQUESTS_PER_USER_PER_S": "1000",
    "GATEWAY_REQUEST_BURST": "1000",
    "GATEWAY_MAX_CONNECTIONS_PER_USER": "500",
}
HASTY = {
    "GATEWAY_HEARTBEAT_MS": "300",
    "GATEWAY_SWEEP_MS": "200",
    "GATEWAY_BODY_TIMEOUT_MS": "600",
    "GATEWAY_MAX_BODY_BYTES": "16384",
    "GATEWAY_MAX_CONNECTIONS_PER_USER": "3",
    "GATEWAY_REQUESTS_PER_USER_PER_S": "1",
    "GATEWAY_REQUEST_BURST": "30",
    "REALTIME_JWT_LEEWAY_S": "0",
}


@asynccontextmanager
async def tenant_on(stack: Stack) -> AsyncIterator[Tenant]:
    """Open an org on a running stack; at its end no process of the stack may have a traceback."""
    redis: Redis = connect(stack.redis_url)
    one = Tenant(stack, redis)
    yield one
    await one.close()
    await redis.aclose()
    stack.check_for_tracebacks()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_stack(
    redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """Two gateways and a worker on each engine in turn, with nothing in the way of a test."""
    stack = Stack(
        redis_url, tmp_path_factory.mktemp("shared"), key_prefix="shared:", gateways=2, env=SHARED
    )
    await stack.start()
    yield stack
    await stack.stop()


@pytest.fixture(scope="session")
def valkey_url(server_folder: Path) -> Iterator[str]:
    """A server for what never depends on the server."""
    folder = server_folder / "plain"
    folder.mkdir()
    server = RealServer("valkey", folder)
    server.start()
    yield server.url
    server.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def hasty_stack(
    valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """One gateway with short times and low limits."""
    stack = Stack(valkey_url, tmp_path_factory.mktemp("hasty"), key_prefix="hasty:", env=HASTY)
    await stack.start()
    yield stack
    await stack.stop()


@pytest.fixture
async def tenant(shared_stack: Stack, redis: Redis) -> AsyncIterator[Tenant]:
    """An org on the shared stack."""
    one = Tenant(shared_stack, redis)
    yield one
    await one.close()
    shared_stack.check_for_tracebacks()


@pytest.fixture
async def hasty(hasty_stack: Stack) -> AsyncIterator[Tenant]:
    """An org on the hasty stack."""
    async with tenant_on(hasty_stack) as one:
        yield one
