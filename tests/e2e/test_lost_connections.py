"""What a user sees when the connection goes: a moment's pause, then everything, once."""

import os
import signal

from playwright.async_api import Browser

from tests.e2e.conftest import ON_VALKEY, OpenDesk
from tests.support.browser import Tab
from tests.support.waiting import eventually

pytestmark = ON_VALKEY
PATIENCE_S = 40.0


async def check_all(tab: Tab, wanted: list[str]) -> None:
    """Wait until these events reached the page in order, each once, without a gap."""

    async def has_all() -> bool:
        events = await tab.events("tasks")
        assert events == wanted, f"{len(events)} of {len(wanted)}: {events[-3:]}"
        return True

    await eventually(has_all, PATIENCE_S, every_s=0.1, what="all events on the page")
    assert await tab.gaps() == []
    assert {*wanted} <= {*await tab.shown()}


def names(start: int, stop: int) -> list[str]:
    return [f"t{number}" for number in range(start, stop)]


async def test_a_cut_connection_loses_and_doubles_nothing_on_the_page(open_at: OpenDesk) -> None:
    desk = await open_at(is_proxied=True)
    tab = await desk.open("tasks")
    await tab.until_live("tasks")
    for start in range(0, 60, 20):
        await desk.publish("tasks", *names(start, start + 10))
        desk.proxy.refuse()
        await desk.publish("tasks", *names(start + 10, start + 20))
        await tab.until_pill("Reconnecting")
        desk.proxy.heal()
        await tab.until_live("tasks")
    await check_all(tab, names(0, 60))
    assert (len(tab.sockets) >= 4, tab.open_sockets) == (True, 1)


async def test_a_killed_gateway_is_left_for_the_other(open_at: OpenDesk) -> None:
    desk = await open_at(gateways=2, one_port=True)
    tab = await desk.open("tasks")
    await tab.until_live("tasks")
    await desk.publish("tasks", *names(0, 10))
    node = (await tab.state())["node"]
    (killed,) = (gateway for gateway in desk.stack.gateways if gateway.name == node)
    killed.kill()
    await desk.publish("tasks", *names(10, 30))
    await check_all(tab, names(0, 30))
    assert (await tab.state())["node"] != node


async def test_a_tab_that_comes_back_finds_its_dead_socket_out(open_at: OpenDesk) -> None:
    # So rare that their absence would tell nothing within this test: the tab must ask.
    rare = {"GATEWAY_HEARTBEAT_MS": "600000", "GATEWAY_PROXY_IDLE_TIMEOUT_MS": "1200000"}
    desk = await open_at(is_proxied=True, env=rare)
    tab = await desk.open("tasks")
    await tab.until_live("tasks")
    await tab.set_hidden(hidden=True)
    desk.proxy.freeze()
    await desk.publish("tasks", *names(0, 20))
    # What was frozen stays so for the old socket; the network is back for new ones.
    desk.proxy.abandon()
    await tab.set_hidden(hidden=False)
    await check_all(tab, names(0, 20))
    # Not counted as open ones: the browser goes on waiting for the dead peer's word on the close.
    assert len(tab.sockets) == 2


async def test_a_tab_that_slept_past_its_tokens_end_comes_back_with_a_fresh_one(
    open_at: OpenDesk, browser: Browser
) -> None:
    desk = await open_at(is_proxied=True, env={"REALTIME_JWT_LEEWAY_S": "0"})
    desk.token_life_s = 8
    tab = await desk.open("tasks")
    await tab.until_live("tasks")
    session = await browser.new_browser_cdp_session()
    processes = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    renderers = [process["id"] for process in processes if process["type"] == "renderer"]
    # A laptop that is shut: the page's process stands still, timers and all.
    for pid in renderers:
        os.kill(pid, signal.SIGSTOP)
    try:
        # Asked of the network, since a page that stands still tells nothing.
        await eventually(
            lambda: desk.proxy.connection_count == 0, PATIENCE_S, what="the gateway's close"
        )
        await desk.publish("tasks", *names(0, 10))
    finally:
        for pid in renderers:
            os.kill(pid, signal.SIGCONT)
    desk.token_life_s = 3600
    await check_all(tab, names(0, 10))
    state = await tab.state()
    assert (state["state"], state["terminal"]) == ("connected", False)


async def test_a_loss_is_told_after_five_seconds_and_no_longer_than_it_lasts(
    open_at: OpenDesk,
) -> None:
    desk = await open_at(is_proxied=True)
    tab = await desk.open("tasks")
    await tab.until_live("tasks")
    desk.proxy.refuse()
    await tab.until_pill("Reconnecting")
    assert await tab.page.query_selector(".banner") is None
    await tab.page.wait_for_selector(".banner")
    assert "Connection lost" in await tab.page.inner_text(".banner")
    desk.proxy.heal()
    await tab.until_live("tasks")
    await tab.page.wait_for_selector(".banner", state="detached")


async def test_the_kill_switch_opens_no_socket_and_the_page_polls(open_at: OpenDesk) -> None:
    desk = await open_at()
    await desk.publish("tasks", "before")
    tab = await desk.open("tasks", script="window.REALTIME_EMERGENCY_DISABLE = true")
    await tab.until_pill("Live updates off")
    await tab.until_shown("before")
    await desk.publish("tasks", "after")
    await tab.until_shown("after")
    assert tab.sockets == []
    assert await tab.events("tasks") == []
