"""The page server hands out the page, tokens and state, to this machine's own names alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from demo.page import Page, page_socket, served, why_no_page
from demo.state import DemoState
from fanwire.publish.new_event import NewEvent


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "index.html").write_text("<title>Keyring</title>")
    state = DemoState()
    for number, place in (("1", "p1"), ("2", "p2")):
        event = NewEvent("acme", "tasks", {}, entity_id=number, property_id=place)
        state.publishing(event, 1)
    minted = iter(("first", "second"))
    listener = page_socket(0)
    page = Page("ws://gateway", "acme", lambda: next(minted), state, tmp_path)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with served(page, listener), httpx.AsyncClient(base_url=url, trust_env=False) as client:
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


async def test_the_page_is_asked_for_anew_each_time(browser: httpx.AsyncClient) -> None:
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


async def test_it_listens_on_loopback_and_elsewhere_if_its_port_is_taken() -> None:
    with page_socket(0) as first:
        first.listen()
        with page_socket(first.getsockname()[1]) as second:
            assert second.getsockname()[0] == "127.0.0.1"
            assert second.getsockname()[1] != first.getsockname()[1]


def test_a_page_that_is_not_built_is_left_out_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert "npm" in (why_no_page(tmp_path) or "")
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/npm")
    assert "make demo" in (why_no_page(tmp_path) or "")
    (tmp_path / "index.html").touch()
    assert why_no_page(tmp_path) is None
