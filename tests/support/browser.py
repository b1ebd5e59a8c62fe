"""The system's Chromium with the demo in it, on gateways of the test's own.

What a tab did is read from the outside where it can be: sockets and calls as the browser made
them, listeners as the browser holds them. Only the events that reached the page are recorded
inside it, by listeners of the recorder's own.
"""

import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from playwright.async_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    WebSocket,
    async_playwright,
)

from demo.page import Page as ServedPage
from demo.page import served
from demo.state import DemoState
from fanwire.core.keys import Keys
from fanwire.publish.new_event import NewEvent, checked_outgoing
from shared.redis.client import connect
from tests.support.fault_proxy import FaultProxy
from tests.support.stack import Stack
from tests.support.waiting import eventually

BUILT: Final = Path(__file__).parents[2] / "frontend" / "demo" / "dist-e2e"
PATIENCE_S: Final = 20.0
_FLAGS: Final = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_RECORDER: Final = (Path(__file__).parent / "recorder.js").read_text()


@asynccontextmanager
async def chromium(program: str) -> AsyncIterator[Browser]:
    """Run a browser while the block runs."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=_FLAGS, timeout=60_000
        )
        yield browser
        await browser.close()


@dataclass
class Socket:
    """One WebSocket of a tab."""

    url: str
    is_open: bool = True
    sent: list[str] = field(default_factory=list)


class Tab:
    """A tab, and what it did on the wire."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sockets: list[Socket] = []
        self.updates: list[dict[str, Any]] = []
        self.problems: list[str] = []
        page.set_default_timeout(PATIENCE_S * 1000)
        page.on("websocket", self._opened)
        page.on("request", self._requested)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    @property
    def open_sockets(self) -> int:
        """How many sockets are open."""
        return sum(socket.is_open for socket in self.sockets)

    async def go(self, route: str) -> None:
        """Follow a link of the application, and wait until its page shows."""
        await self.page.evaluate("route => { location.hash = `#/${route}` }", route)
        await self.page.wait_for_selector(f'main[data-page="{route}"]')

    async def until_live(self, *services: str) -> None:
        """Wait until the tab is connected and these services, no others, are live."""
        wanted = dict.fromkeys(services, "live")

        async def is_live() -> bool:
            state = await self.state()
            assert state.get("state") == "connected", state
            assert state["services"] == wanted, state["services"]
            return True

        await eventually(is_live, PATIENCE_S, what=f"{services} live")

    async def state(self) -> dict[str, Any]:
        """Return what `window.__realtimeState()` says."""
        found: dict[str, Any] = await self.page.evaluate("window.__realtimeState?.() ?? {}")
        return found

    async def until_shown(self, entity: str) -> None:
        """Wait until a row of this entity is on the page."""
        await self.page.wait_for_selector(f'[data-entity="{entity}"]')

    async def shown(self) -> list[str]:
        """Return the entities on the page."""
        rows = "rows => rows.map(row => row.dataset.entity)"
        found: list[str] = await self.page.eval_on_selector_all("[data-entity]", rows)
        return found

    async def events(self, service: str) -> list[str]:
        """Return the entities whose events reached the page, each time that one did."""
        return list((await self.page.evaluate("window.__recorded"))["events"].get(service, []))

    async def gaps(self) -> list[str]:
        """Return the services that had a gap."""
        return list((await self.page.evaluate("window.__recorded"))["gaps"])

    async def shown_at_ms(self) -> dict[str, float]:
        """Return when each entity first was on the page."""
        return dict((await self.page.evaluate("window.__recorded"))["shownAtMs"])

    async def listeners(self) -> dict[str, int]:
        """Return how many listeners the page has attached to each stream's events."""
        session = await self.page.context.new_cdp_session(self.page)
        window = await session.send("Runtime.evaluate", {"expression": "window"})
        of_window = {"objectId": window["result"]["objectId"]}
        found = await session.send("DOMDebugger.getEventListeners", of_window)
        names = [row["type"] for row in found["listeners"]]
        ours = await self.page.evaluate("window.__recorded.attached")
        return {
            name: names.count(name) - ours.count(name)
            for name in {*names}
            if name.endswith("-stream-events") and names.count(name) > ours.count(name)
        }

    async def pill(self) -> str:
        """Return what the status pill says."""
        return await self.page.inner_text('[role="status"]')

    async def until_pill(self, text: str) -> None:
        """Wait until the status pill says this."""
        await self.page.wait_for_selector(f'[role="status"]:text-is("{text}")')

    async def set_hidden(self, *, hidden: bool) -> None:
        """Hide the tab or bring it back; a headless browser shows all of its tabs."""
        await self.page.evaluate("hidden => window.__recorded.setHidden(hidden)", hidden)

    async def skip(self, ms: int) -> None:
        """Let so much time pass at once for a page that was opened with `can_skip_time`."""
        await self.page.clock.fast_forward(ms)

    def _opened(self, opened: WebSocket) -> None:
        socket = Socket(opened.url)
        self.sockets.append(socket)
        opened.on("framesent", lambda frame: socket.sent.append(str(frame)))
        opened.on("close", lambda _: setattr(socket, "is_open", False))

    def _requested(self, request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/update-services"):
            self.updates.append(orjson.loads(request.post_data or "null"))


class Desk:
    """The demo on a stack: publishes to its org and opens tabs on it."""

    def __init__(
        self, stack: Stack, browser: Browser, url: str, proxy: FaultProxy | None = None
    ) -> None:
        self.stack = stack
        self.url = url
        self.token_life_s = 3600
        self.minted_count = 0
        self.state = DemoState()
        self.tabs: list[Tab] = []
        self._proxy = proxy
        self._browser = browser
        self._redis = connect(stack.redis_url)
        self._keys = Keys(stack.key_prefix)

    @property
    def proxy(self) -> FaultProxy:
        """What stands between the tabs and the gateway."""
        assert self._proxy is not None, "opened without a proxy"
        return self._proxy

    @property
    def stream_url(self) -> str:
        """Where the page connects."""
        if self._proxy is None:
            return self.stack.gateway.stream_url
        return f"ws://127.0.0.1:{self._proxy.port}"

    def mint(self) -> str:
        """Return a token as the page's backend does."""
        self.minted_count += 1
        return self.stack.token(ttl_s=self.token_life_s)

    async def open(
        self,
        route: str = "tasks",
        *,
        context: BrowserContext | None = None,
        script: str = "",
        can_skip_time: bool = False,
    ) -> Tab:
        """Open a tab; one of a new user's browser unless a context is given."""
        context = context or await self._browser.new_context()
        page = await context.new_page()
        if can_skip_time:
            await page.clock.install()
        await page.add_init_script(_RECORDER + script)
        tab = Tab(page)
        self.tabs.append(tab)
        await page.goto(f"{self.url}#/{route}")
        await page.wait_for_selector(f'main[data-page="{route}"]')
        return tab

    async def publish(self, service: str, *entities: str, property_id: str | None = None) -> None:
        """Publish an event for each entity."""
        for entity in entities:
            event = NewEvent(
                "acme",
                service,
                {"title": entity, "status": "open", "guest": entity},
                type="task.created",
                entity_type="task",
                entity_id=entity,
                event_id=f"{service}-{entity}",
                property_id=property_id,
            )
            self.state.publishing(event, time.time() * 1000)
            outgoing = checked_outgoing(event)
            fields: dict[Any, Any] = {**outgoing.fields}
            await self._redis.xadd(self._keys.events(outgoing.topic), fields)

    async def switch(self, flag: str, *, is_on: bool) -> None:
        """Raise or lower a switch, as `fanwire flags set` does."""
        key = self._keys.flags()
        await (self._redis.hset(key, flag, "1") if is_on else self._redis.hdel(key, flag))

    async def close(self) -> None:
        """Close every tab; none may have thrown."""
        await self._redis.aclose()
        for tab in self.tabs:
            await tab.page.context.close()
            assert tab.problems == []


@asynccontextmanager
async def open_desk(
    start: Callable[[str], Awaitable[Stack]], browser: Browser, *, is_proxied: bool = False
) -> AsyncIterator[Desk]:
    """Serve the page on a stack that `start` starts with the page's origin let in."""
    listener = socket.create_server(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    stack = await start(origin)
    async with AsyncExitStack() as exits:
        proxy = None
        if is_proxied:
            target = ("127.0.0.1", int(stack.gateway.url.rpartition(":")[2]))
            between = FaultProxy.between(("127.0.0.1", 0), target)
            proxy = await exits.enter_async_context(between)
        desk = Desk(stack, browser, f"{origin}/", proxy)
        page = ServedPage(desk.stream_url, "acme", desk.mint, desk.state, BUILT)
        await exits.enter_async_context(served(page, listener))
        try:
            yield desk
        finally:
            await desk.close()
