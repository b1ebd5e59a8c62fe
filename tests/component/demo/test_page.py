"""The page server hands out the page, tokens and state, to this machine's own names alone."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from demo.page import Page, served
from demo.state import DemoState
from fanwire.publish.new_event import NewEvent


@asynccontextmanager
async def browser_of(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    state = DemoState()
    for number, place in (("1", "p1"), ("2", "p2")):
        event = NewEvent("acme", "tasks", {}, entity_id=number, property_id=place)
        state.publishing(event, 1)
    minted = iter(("first", "second"))
    listener = socket.create_server(("127.0.0.1", 0))
    page = Page("ws://gateway", "acme", lambda: next(minted), state, folder)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with served(page, listener), httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "index.html").write_text("<title>Keyring</title>")
    async with browser_of(tmp_path) as client:
        yield client


async def test_each_token_is_a_fresh_one_and_is_not_kept(browser: httpx.AsyncClient) -> None:
    for expected in ("first", "second"):
        response = await browser.get("/dev/token")
        assert response.json()["token"] == expected
        assert response.json()["url"] == "ws://gateway"
        assert response.headers["cache-control"] == "no-store"
        # What another origin may read it is told by this header, and none may.
        assert "access-control-allow-origin" not in response.headers


async def test_the_state_is_that_of_the_property_asked_for(browser: httpx.AsyncClient) -> None:
    all_of_it = (await browser.get("/dev/state/tasks")).json()["events"]
    of_one = (await browser.get("/dev/state/tasks?propertyId=p2")).json()["events"]
    assert [row["entityId"] for row in all_of_it] == ["1", "2"]
    assert [row["entityId"] for row in of_one] == ["2"]


async def test_the_page_is_asked_for_each_time(browser: httpx.AsyncClient) -> None:
    response = await browser.get("/")
    assert "Keyring" in response.text
    assert response.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.0.2.1:8001"])
async def test_a_name_that_only_leads_here_gets_nothing(
    browser: httpx.AsyncClient, host: str
) -> None:
    response = await browser.get("/dev/token", headers={"Host": host})
    assert response.status_code == 400
    assert "first" not in response.text


async def test_while_the_page_is_not_built_tokens_are_all_that_is_served(tmp_path: Path) -> None:
    async with browser_of(tmp_path) as browser:
        assert (await browser.get("/")).status_code == 404
        assert (await browser.get("/dev/token")).json()["token"] == "first"
