"""`python -m demo.server`: the demo's story and page beside a running cluster.

`fanwire dev` has both within itself; where the servers are containers, this is one more.

It signs a token for whoever asks. So it takes development secrets alone, which no gateway in
production accepts, and answers only to the names of this machine.
"""

import asyncio
import signal
import socket
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from demo.demo import DEMO_SERVICES
from demo.page import Page, served, why_no_page
from demo.story import Story, wall_ms
from fanwire.cli.dev.plan import AUDIENCE, ISSUER, ORG
from fanwire.errors import RealtimeError
from fanwire.publish.async_publisher import AsyncPublisher
from fanwire.subscribe.subscriber import Subscriber
from fanwire.tokens import mint_token

DEVELOPMENT_PREFIX: Final = "dev-"
_TOKEN_LIFE_S: Final = 3600


@dataclass(frozen=True, slots=True)
class DemoCluster:
    """Where the servers are, and how to make tokens for them."""

    redis_url: str
    gateway_url: str
    """As this process reaches it."""
    public_url: str
    """As a browser does."""
    secret: str
    issuer: str
    audience: str

    def mint(self) -> str:
        """Return a fresh token."""
        return mint_token(
            self.secret,
            org=ORG,
            sub="demo",
            services="*",
            properties="*",
            publish=False,
            ttl_s=_TOKEN_LIFE_S,
            issuer=self.issuer,
            audience=self.audience,
            now=time.time(),  # noqa: TID251 - a token's times are wall time
        )


def serve(
    *,
    redis: Annotated[str, typer.Option(help="Where to publish.", envvar="REALTIME_REDIS_URL")],
    gateway: Annotated[str, typer.Option(help="Gateway, like ws://haproxy:8000.")],
    public: Annotated[str, typer.Option(help="The same, as browsers reach it.")],
    secret: Annotated[str, typer.Option(envvar="REALTIME_JWT_SECRET", show_envvar=False)],
    issuer: Annotated[str, typer.Option(envvar="REALTIME_JWT_ISSUER")] = ISSUER,
    audience: Annotated[str, typer.Option(envvar="REALTIME_JWT_AUDIENCE")] = AUDIENCE,
    host: Annotated[str, typer.Option(help="Address of the page.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the page.")] = 8001,
    rate: Annotated[float, typer.Option(help="Events per second.", min=0.01)] = 5,
) -> None:
    """Publish the demo's events and serve its page until SIGTERM or SIGINT."""
    if not secret.startswith(DEVELOPMENT_PREFIX):
        raise typer.BadParameter(
            f"the demo signs tokens for anybody; it takes a secret that begins with "
            f"{DEVELOPMENT_PREFIX!r}, and no other",
            param_hint="REALTIME_JWT_SECRET",
        )
    cluster = DemoCluster(redis, gateway, public, secret, issuer, audience)
    with socket.create_server((host, port)) as listener:
        asyncio.run(_until_signal(_run(cluster, listener, rate)))


async def _run(cluster: DemoCluster, listener: socket.socket, per_s: float) -> None:
    story = Story(ORG)
    story.begin(wall_ms())
    typer.echo(f"demo: {why_no_page() or 'page and story'}")
    page = Page(cluster.public_url, ORG, cluster.mint, story.state)
    async with (
        served(page, listener),
        Subscriber(
            cluster.gateway_url, get_token=cluster.mint, services=DEMO_SERVICES
        ) as subscriber,
        AsyncPublisher.from_url(cluster.redis_url) as publisher,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(story.go_on(publisher, per_s, _log_error))
        async for event in subscriber.events():
            story.state.delivered(event)


def _log_error(error: RealtimeError) -> None:
    typer.echo(f"demo: {error.name}: {error}", err=True)


async def _until_signal(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await work


if __name__ == "__main__":
    typer.run(serve)
