"""The demo's backend: it tells the story, keeps what was delivered, and serves the page."""

import asyncio
import socket
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from demo.page import Page, served
from demo.story import Story, wall_ms
from demo.world import SERVICES
from fanwire import AsyncPublisher, RealtimeError, Subscriber
from fanwire.tokens import mint_token

USER: Final = "demo"
"""Who looks at the page."""

_TOKEN_LIFE_S: Final = 3600
"""As long as `fanwire token mint` gives; the SDK fetches the next one in time."""


@dataclass(frozen=True, slots=True)
class DemoCluster:
    """Where the servers are."""

    redis_url: str
    key_prefix: str
    gateway_url: str
    """As this process reaches it."""
    public_url: str
    """As a browser does."""


@dataclass(frozen=True, slots=True)
class TokenMaker:
    """Stands in for the identity provider of a real product."""

    org: str
    secret: str
    issuer: str
    audience: str

    def token(self, user: str) -> str:
        """Return a fresh token, which opens all events of the org."""
        return mint_token(
            self.secret,
            org=self.org,
            sub=user,
            services="*",
            properties="*",
            publish=False,
            ttl_s=_TOKEN_LIFE_S,
            issuer=self.issuer,
            audience=self.audience,
            now=time.time(),  # noqa: TID251 - a token's times are wall time
        )


@dataclass(frozen=True, slots=True)
class Site:
    """Where the built page is, and the socket that browsers reach it on."""

    folder: Path
    listener: socket.socket


class Backend:
    """The one process of the demo."""

    def __init__(self, cluster: DemoCluster, tokens: TokenMaker, *, user: str) -> None:
        """Prepare. `user` is whom its own socket belongs to."""
        self._cluster = cluster
        self._tokens = tokens
        self._user = user
        self._story = Story(tokens.org)

    async def run(self, site: Site | None, *, per_s: float) -> None:
        """Serve the page, if there is a site for it, and publish, until cancelled.

        With 0 events per second nothing is published: the page shows what others publish.
        """
        self._story.begin(wall_ms())
        async with AsyncExitStack() as parts:
            if site is not None:
                await parts.enter_async_context(served(self._page(site), site.listener))
            await self._follow(per_s)

    def _page(self, site: Site) -> Page:
        return Page(
            self._cluster.public_url,
            self._tokens.org,
            lambda: self._tokens.token(USER),
            self._story.state,
            site.folder,
        )

    async def _follow(self, per_s: float) -> None:
        """Keep what is delivered, and publish once there is a gateway to deliver it."""
        async with (
            Subscriber(
                self._cluster.gateway_url,
                get_token=lambda: self._tokens.token(self._user),
                services=SERVICES,
            ) as subscriber,
            asyncio.TaskGroup() as tasks,
        ):
            if per_s > 0:
                tasks.create_task(self._publish(per_s))
            async for event in subscriber.events():
                self._story.state.delivered(event)

    async def _publish(self, per_s: float) -> None:
        url, prefix = self._cluster.redis_url, self._cluster.key_prefix
        async with AsyncPublisher.from_url(url, key_prefix=prefix) as publisher:
            await self._story.go_on(publisher, per_s, _report)


def _report(error: RealtimeError) -> None:
    # As the servers log it, so that `fanwire dev` shows it among their errors.
    line = f'level=error event=demo.not_published error={error.name} message="{error}"'
    sys.stderr.write(f"{line}\n")
