"""Fixtures for all tests: real servers, key prefixes, and the stack of processes."""

import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis

from shared.redis.client import connect
from tests.runner.tally import count_into, engine_parameter
from tests.support.needed import needed
from tests.support.real_server import ENGINES, EngineName, RealServer, binary_of
from tests.support.stack import Stack

# A two-core CI machine stalls now and then; a property is about values, not about speed.
settings.register_profile(
    "fanwire", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("fanwire")

SHARED_STACKS = frozenset({"shared_stack", "hasty_stack"})

StartStack = Callable[..., Awaitable[Stack]]
StartServer = Callable[..., RealServer]


def pytest_configure(config: pytest.Config) -> None:
    """Count what runs where `make test` wants it counted."""
    if path := os.environ.get("FANWIRE_TALLY"):
        count_into(Path(path), config)


def pytest_report_header() -> str:
    """Say which real servers the run will use."""
    found = ", ".join(engine for engine in ENGINES if binary_of(engine)) or "none"
    return f"real servers: {found}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what talks to a server, and what runs processes, by the fixtures asked for.

    Tests that share a stack are a group, which one process of pytest-xdist runs: each process
    would otherwise start a stack of its own, and each file one for each engine.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "engine" in fixtures:
            item.add_marker(pytest.mark.redis)
        if "start_stack" in fixtures:
            item.add_marker(pytest.mark.cluster)
        if shared := SHARED_STACKS & {*fixtures}:
            engine = engine_parameter(item) or ""
            item.add_marker(pytest.mark.xdist_group("-".join([*sorted(shared), engine])))


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder with a short path: a unix socket's path has at most 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="fanwire-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> EngineName:
    """Each server that Fanwire promises to run on, in turn."""
    chosen: EngineName = request.param
    if chosen == "redis7":
        needed("redis-server")
    return chosen


@pytest.fixture(scope="session")
def redis_url(engine: EngineName, server_folder: Path) -> Iterator[str]:
    """A running server, shared by the session's tests: use `key_prefix`, never FLUSHALL."""
    # A folder per start: pytest may end this fixture and need it again later.
    server = RealServer(engine, Path(tempfile.mkdtemp(prefix=engine, dir=server_folder)))
    server.start()
    yield server.url
    server.stop()


@pytest.fixture
def key_prefix() -> str:
    """A prefix that no other test has."""
    return f"test-{uuid.uuid4().hex[:12]}:"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the shared server."""
    client = connect(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def start_server(engine: EngineName, server_folder: Path) -> Iterator[StartServer]:
    """Start a server of the test's own, which it may kill: `start_server(append_only=True)`."""
    servers: list[RealServer] = []

    def start(**options: Any) -> RealServer:
        folder = Path(tempfile.mkdtemp(dir=server_folder))
        server = RealServer(engine, folder, **options)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
async def start_stack(redis_url: str, key_prefix: str, tmp_path: Path) -> AsyncIterator[StartStack]:
    """Start gateways and workers: `await start_stack(gateways=2, workers=2, env={...})`."""
    stacks: list[Stack] = []

    async def start(**options: Any) -> Stack:
        folder = tmp_path / f"stack-{len(stacks)}"
        folder.mkdir()
        stack = Stack(
            options.pop("redis_url", redis_url),
            folder,
            **{"key_prefix": key_prefix} | options,
        )
        stacks.append(stack)
        await stack.start()
        return stack

    yield start
    for stack in stacks:
        await stack.stop()
