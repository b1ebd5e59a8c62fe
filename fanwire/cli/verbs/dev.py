"""`fanwire dev`: the whole stack with one command."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any, Final

import typer

from fanwire.cli.context import context_of, dev_token, environment
from fanwire.cli.dev.banner import banner, hints
from fanwire.cli.dev.child import ChildDied
from fanwire.cli.dev.defaults import SERVICES
from fanwire.cli.dev.demo_child import DEMO_USER, port_for_page, why_no_page
from fanwire.cli.dev.plan import DevPlan, check_plan
from fanwire.cli.dev.stack import Running, running_stack
from fanwire.cli.dev.stop_signals import cancel_on_stop_signal
from fanwire.cli.dev.topics import services_found
from fanwire.cli.inspect.reach import OpenSockets, delivered_line, reach_of
from fanwire.cli.output import Output, escaped
from fanwire.core.ids import Org
from fanwire.core.keys import Keys
from fanwire.errors import RealtimeError
from fanwire.redis.clients import async_client
from fanwire.subscribe.subscriber import Subscriber

_MAX_SERVICES: Final = 32
"""As many as a gateway lets one socket have."""

_WATCHER: Final = "fanwire-dev"
"""Whose the socket is that shows the events; what it shows does not count it."""


def dev(
    ctx: typer.Context,
    *,
    gateways: Annotated[int, typer.Option(help="Processes that share the port.", min=1)] = 2,
    port: Annotated[int, typer.Option(help="Where clients connect.", min=1, max=65535)] = 8000,
    no_demo: Annotated[bool, typer.Option("--no-demo", help="Publish nothing.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show every log line.")] = False,
) -> None:
    """Run the whole stack: Valkey, a fanout worker, gateways, a demo producer.

    With --redis URL it runs on that server instead of the embedded one. A gateway or worker
    that dies is named and started again. Ctrl-C ends everything.
    """
    context = context_of(ctx)
    plan = DevPlan(gateways=gateways, port=port, redis_url=context.redis_url, demo=not no_demo)
    check_plan(plan)
    page = why_no_page()
    if page is None:
        plan = replace(plan, page_port=port_for_page(port))
        page = f"http://127.0.0.1:{plan.page_port}/"
    asyncio.run(_until_signal(_Dev(plan, context.output, page=page, verbose=verbose).run()))


async def _until_signal(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends or a signal asks to; then let it clean up undisturbed."""
    task = asyncio.current_task()
    assert task is not None
    cancel_on_stop_signal(task)
    with suppress(asyncio.CancelledError):
        await work


class _Dev:
    """One run of the stack, as it shows on the terminal."""

    def __init__(self, plan: DevPlan, output: Output, *, page: str, verbose: bool) -> None:
        self._plan = plan
        self._output = output
        self._page = page
        self._verbose = verbose

    async def run(self) -> None:
        """Run until cancelled."""
        async with running_stack(
            self._plan, environment(), on_line=self._line, on_death=self._death
        ) as running:
            self._show_banner(running)
            await self._show_events(running)

    def _show_banner(self, running: Running) -> None:
        token = dev_token(running.word)
        if self._output.json:
            self._output.result(
                {
                    "ready": True,
                    "url": running.word.url,
                    "redis": running.word.redis_url,
                    "demoPage": self._page,
                    "token": token,
                },
                "",
            )
            return
        for what, name, more in banner(self._plan, running, token, self._page):
            self._output.console.print(f"  [bold]{what:<10}[/bold] {escaped(name)}   {more}")
        self._output.console.print()
        for what, command in hints(running):
            self._output.console.print(f"  [bold]{what:<10}[/bold] {escaped(command)}")

    async def _show_events(self, running: Running) -> None:
        word = running.word
        async with (
            Subscriber(
                word.url,
                get_token=lambda: dev_token(word, sub=_WATCHER),
                services=SERVICES,
            ) as subscriber,
            asyncio.TaskGroup() as tasks,
            async_client(word.redis_url) as client,
        ):
            tasks.create_task(self._widen(subscriber, running))
            keys, org = Keys(word.key_prefix), Org(word.org)
            watchers = frozenset((_WATCHER, DEMO_USER))
            sockets = OpenSockets(client, keys, org, watchers=watchers)
            async for event in subscriber.events():
                # Both clocks are this machine's: the entry's in Redis, ours at the socket's end.
                spent_ms = max(0.0, time.time() * 1000 - event.ts_ms)
                reach = reach_of(
                    await sockets.known(), service=event.service, property_id=event.property_id
                )
                self._output.result(*delivered_line(word.org, event, reach, spent_ms))

    async def _widen(self, subscriber: Subscriber, running: Running) -> None:
        """Subscribe to services that somebody publishes to for the first time."""
        word = running.word
        known = frozenset(SERVICES)
        async for services in services_found(
            word.redis_url, Keys(word.key_prefix), word.org, known
        ):
            try:
                await subscriber.set_services(sorted(services)[:_MAX_SERVICES])
            except RealtimeError as error:
                self._output.error(error)

    def _line(self, name: str, line: str) -> None:
        if self._verbose or "level=error" in line or "level=critical" in line:
            self._output.notes.print(f"[dim]{name:<10}[/dim] {escaped(line)}")

    def _death(self, death: ChildDied) -> None:
        self._output.error(death)
        self._output.note("[yellow]starting it again[/yellow]")
