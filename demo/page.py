"""Serves the demo application, and what it takes from its backend, on loopback alone.

It hands a token to anybody who asks. A page of another origin may ask as well but cannot read
the answer, and a name that somebody points at 127.0.0.1 is refused by its Host header.

Rejected: routes in the gateway. What must never be in production is best not in its program.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from demo.cast import PROPERTIES
from demo.state import DemoState

_GRACE_S: Final = 0.3
"""Half of what `fanwire dev` gives a process to end in."""

_UNCACHED: Final = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Page:
    """What the page server serves."""

    stream_url: str
    org: str
    mint: Callable[[], str]
    """Return a fresh token."""
    state: DemoState
    folder: Path
    """Of the built page; while it is not built, tokens and state are all that is served."""

    def app(self) -> Starlette:
        """Return the server's routes."""
        routes: list[BaseRoute] = [
            Route("/dev/token", self._token),
            Route("/dev/state/{service}", self._state),
        ]
        if (self.folder / "index.html").is_file():
            routes.append(Mount("/", _Unkept(directory=self.folder, html=True)))
        hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
        return Starlette(routes=routes, middleware=[hosts])

    async def _token(self, _: Request) -> JSONResponse:
        names = {key: place.name for key, place in PROPERTIES.items()}
        way_in = {"token": self.mint(), "url": self.stream_url, "org": self.org}
        return JSONResponse(way_in | {"properties": names}, headers=_UNCACHED)

    async def _state(self, request: Request) -> JSONResponse:
        service, place = request.path_params["service"], request.query_params.get("propertyId")
        return JSONResponse({"events": self.state.rows(service, place)}, headers=_UNCACHED)


class _Unkept(StaticFiles):
    """Files that a browser asks about each time: a rebuilt page must not meet an old script."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


class _Server(uvicorn.Server):
    """A server inside a program that has its own word on signals."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def served(page: Page, listener: socket.socket) -> AsyncIterator[None]:
    """Serve the page while the block runs."""
    config = uvicorn.Config(page.app(), log_config=None, access_log=False, lifespan="off")
    server = _Server(config)
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve(sockets=[listener]))
        try:
            yield
        finally:
            # At once: a browser keeps its connections open, and Ctrl-C must not wait for them.
            server.should_exit = server.force_exit = True
            await asyncio.wait([serving], timeout=_GRACE_S)
            serving.cancel()
