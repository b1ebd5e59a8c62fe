"""A real browser for tests, which are skipped without one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.conftest import StartStack
from tests.support.browser import BUILT, Desk, chromium, open_desk
from tests.support.needed import needed
from tests.support.stack import Stack

ON_VALKEY = pytest.mark.parametrize("engine", ["valkey"], indirect=True)
"""No browser can tell the engines apart."""

OpenDesk = Callable[..., Awaitable[Desk]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test, with time for a browser to start on a busy machine."""
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(120))


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser of the test's own."""
    program = needed("chromium")
    if not (BUILT / "index.html").exists():
        pytest.skip("the page is not built; `make e2e` does that where npm is")
    async with chromium(program) as running:
        yield running


@pytest.fixture
async def open_at(browser: Browser, start_stack: StartStack) -> AsyncIterator[OpenDesk]:
    """Open the demo on a stack: `await open_at(gateways=2, is_proxied=True, env={...})`."""
    async with AsyncExitStack() as exits:

        async def at(*, is_proxied: bool = False, **options: Any) -> Desk:
            async def start(origin: str) -> Stack:
                env = {"GATEWAY_ALLOWED_ORIGINS": origin, **options.pop("env", {})}
                return await start_stack(env=env, **options)

            desk = open_desk(start, browser, is_proxied=is_proxied)
            return await exits.enter_async_context(desk)

        yield at
