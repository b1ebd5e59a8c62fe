"""A real browser for tests; without one they are skipped on a laptop and fail in CI."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.conftest import StartStack
from tests.support.browser import BUILT, CHROMIUM, Desk, chromium, open_desk
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
    missing = None
    if not CHROMIUM.exists():
        missing = f"{CHROMIUM} is not installed (apt-get install chromium)"
    elif not (BUILT / "index.html").exists():
        missing = "the page is not built (make e2e does)"
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"in CI {missing}")
    if missing:
        pytest.skip(f"no test in a browser: {missing}")
    async with chromium() as running:
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
