"""`fanwire dev`: the whole stack with one command."""

import asyncio
import time
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import replace
from socket import socket
from typing import Annotated, Any

import typer

from demo.demo import DEMO_SERVICES
from demo.story import Story, wall_ms
from fanwire.cli.context import context_of, dev_token, environment
from fanwire.cli.dev.banner import banner, hints
from fanwire.cli.dev.child import ChildDied
from fanwire.cli.dev.plan import ORG, DevPlan, check_plan
from fanwire.cli.dev.stack import Running, running_stack
from fanwire.cli.dev.stop_signals import cancel_on_stop_signal
from fanwire.cli.dev.topics import services_found
from fanwire.cli.inspect.reach import OpenSockets, delivered_line, reach_of
from fanwire.cli.output import Output, escaped
from fanwire.core.ids import Org
from fanwire.core.keys import Keys
from fanwire.errors import RealtimeError
from fanwire.publish.async_publisher import AsyncPublisher
from fanwire.redis.clients import async_client
from fanwire.subscribe.subscriber import Subscriber

_MAX_SERVICES = 32
_WATCHER = "fanwire-dev"


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
    asyncio.run(_until_signal(_Dev(plan, context.output, verbose=verbose).run()))


async def _until_signal(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends or a signal asks to; then let it clean up undisturbed."""
    task = asyncio.current_task()
    assert task is not None
    cancel_on_stop_signal(task)
    with suppress(asyncio.CancelledError):
        await work


class _Dev:
    """One run of the stack, as it shows on the terminal."""

    def __init__(self, plan: DevPlan, output: Output, *, verbose: bool) -> None:
        self._plan = plan
        self._output = output
        self._verbose = verbose
        self._story = Story(ORG)
        self._page_at = ""

    async def run(self) -> None:
        """Run until cancelled."""
        listener = self._page_socket()
        self._story.begin(wall_ms())
        async with (
            running_stack(
                self._plan, environment(), on_line=self._line, on_death=self._death
            ) as running,
            self._page(running, listener),
        ):
            self._show_banner(running)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._show_events(running))
                if self._plan.demo:
                    tasks.create_task(self._publish_demo(running))

    def _page_socket(self) -> socket | None:
        """Return where the demo page will be, and let its origin in; None if it is not built."""
        # Late here and below: a web framework is a need of this verb alone.
        from demo.page import page_socket, why_no_page

        self._page_at = why_no_page() or ""
        if self._page_at:
            return None
        listener = page_socket(self._plan.port + 1)
        port = listener.getsockname()[1]
        self._page_at = f"http://127.0.0.1:{port}/"
        self._plan = replace(self._plan, page_port=port)
        return listener

    def _page(self, running: Running, listener: socket | None) -> AbstractAsyncContextManager[None]:
        from demo.page import Page, served

        if listener is None:
            return nullcontext()
        word = running.word
        return served(
            Page(word.url, word.org, lambda: dev_token(word), self._story.state), listener
        )

    def _show_banner(self, running: Running) -> None:
        token = dev_token(running.word)
        if self._output.json:
            self._output.result(
                {
                    "ready": True,
                    "url": running.word.url,
                    "redis": running.word.redis_url,
                    "demoPage": self._page_at,
                    "token": token,
                },
                "",
            )
            return
        for what, name, more in banner(self._plan, running, token, self._page_at):
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
                services=DEMO_SERVICES,
            ) as subscriber,
            asyncio.TaskGroup() as tasks,
            async_client(word.redis_url) as client,
        ):
            tasks.create_task(self._widen(subscriber, running))
            sockets = OpenSockets(client, Keys(word.key_prefix), Org(word.org), watcher=_WATCHER)
            async for event in subscriber.events():
                # Both clocks are this machine's: the entry's in Redis, ours at the socket's end.
                spent_ms = max(0.0, time.time() * 1000 - event.ts_ms)
                self._story.state.delivered(event)
                reach = reach_of(
                    await sockets.known(), service=event.service, property_id=event.property_id
                )
                self._output.result(*delivered_line(word.org, event, reach, spent_ms))

    async def _widen(self, subscriber: Subscriber, running: Running) -> None:
        """Subscribe to services that somebody publishes to for the first time."""
        word = running.word
        known = frozenset(DEMO_SERVICES)
        async for services in services_found(
            word.redis_url, Keys(word.key_prefix), word.org, known
        ):
            try:
                await subscriber.set_services(sorted(services)[:_MAX_SERVICES])
            except RealtimeError as error:
                self._output.error(error)

    async def _publish_demo(self, running: Running) -> None:
        word = running.word
        async with AsyncPublisher.from_url(word.redis_url, key_prefix=word.key_prefix) as publisher:
            await self._story.go_on(publisher, self._plan.demo_per_s, self._output.error)

    def _line(self, name: str, line: str) -> None:
        if self._verbose or "level=error" in line or "level=critical" in line:
            self._output.notes.print(f"[dim]{name:<10}[/dim] {escaped(line)}")

    def _death(self, death: ChildDied) -> None:
        self._output.error(death)
        self._output.note("[yellow]starting it again[/yellow]")
