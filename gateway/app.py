"""Runs a gateway: its ports, its loops, and the order in which they stop."""

import asyncio
import resource
import socket
from collections.abc import Collection, Coroutine, Iterator
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware

from gateway.build import Composition, compose, node_name
from gateway.edge.http_protocol import BoundedHttpProtocol
from gateway.gateway import Gateway
from gateway.routes import internal, metrics, positions, stream, subscriptions, telemetry
from gateway.settings import GatewaySettings
from gateway.telemetry.telemetry import GatewayTelemetry
from shared.http_server import QuietServer, internal_server
from shared.logs import logger
from shared.redis.requirements import warn_unless_safe
from shared.runtime import stop_event
from shared.settings.realtime import RealtimeSettings, TokenSettings
from shared.telemetry.settings import Exports
from shared.telemetry.setup import Telemetry

BACKLOG: Final = 4_096
SPARE_DESCRIPTORS: Final = 100
"""For what is no socket of a client: Redis, listeners, HTTP requests."""
CANCEL_AGAIN_S: Final = 0.1
NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False}
"""FastAPI would keep one span open for the whole life of a socket; ours are short."""


async def serve(
    realtime: RealtimeSettings,
    tokens: TokenSettings,
    settings: GatewaySettings,
    exports: Exports,
) -> None:
    """Run a gateway until SIGTERM or SIGINT, and drain it then.

    Raises:
        UnsuitableServer: If Redis answers and is not fit for use.
        SettingsProblem: If a port is taken.
    """
    stop = stop_event()
    _warn_of_few_descriptors(settings)
    instance = node_name(settings)
    telemetry = Telemetry.of_environment(exports, server="gateway", instance=instance)
    parts = compose(realtime, tokens, settings, GatewayTelemetry.of(telemetry, realtime))
    await warn_unless_safe(parts.redis)
    public = public_server(parts.gateway)
    private = internal_server(
        internal_api(parts.gateway),
        host=settings.internal_host,
        port=settings.internal_port,
    )
    listener = _listener(settings)
    async with asyncio.TaskGroup() as tasks:
        loops = [tasks.create_task(loop) for loop in _loops(parts)]
        tasks.create_task(public.serve(sockets=[listener]))
        tasks.create_task(private.serve())
        logger().info("gateway.started", node=parts.gateway.profile.node, port=settings.port)
        await stop.wait()
        await parts.gateway.drainer.drain()
        public.should_exit = True
        await parts.membership.leave()
        private.should_exit = True
        await _end(loops)
    await parts.redis.aclose()
    await telemetry.close()
    logger().info("gateway.stopped", node=parts.gateway.profile.node)


def public_api(gateway: Gateway) -> FastAPI:
    """Return the application that clients reach."""
    api = FastAPI(title="Fanwire gateway", docs_url=None, redoc_url=None, telemetry=NO_TELEMETRY)
    api.state.gateway = gateway
    # Not FastAPI's decorator: it resolves dependencies for each handshake, and has none to.
    api.router.add_websocket_route(stream.PATH, stream.stream)
    api.router.add_websocket_route("/{path:path}", stream.nowhere)
    api.add_api_route(stream.PATH, stream.upgrade_required, methods=["GET"])
    for routes in (subscriptions, positions, telemetry):
        api.include_router(routes.router)
    api.add_middleware(
        CORSMiddleware,
        allow_origins=list(gateway.settings.allowed_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        max_age=600,
    )
    return api


def internal_api(gateway: Gateway) -> FastAPI:
    """Return the application that operators and orchestrators reach."""
    api = FastAPI(title="Fanwire gateway, internal", docs_url=None, redoc_url=None)
    api.state.gateway = gateway
    api.include_router(internal.router)
    api.include_router(metrics.router)
    return api


def public_server(gateway: Gateway) -> QuietServer:
    """Return the server of the public port, whose sockets are handed over."""
    return QuietServer(
        uvicorn.Config(
            public_api(gateway),
            http=BoundedHttpProtocol,
            ws="none",  # the door does it
            log_config=None,
            access_log=False,
            proxy_headers=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=1,
            backlog=BACKLOG,
        )
    )


def _loops(parts: Composition) -> Iterator[Coroutine[Any, Any, None]]:
    yield parts.live.run()
    yield parts.control.run()
    yield parts.gateway.drainer.run()
    yield parts.gateway.bell.run()
    yield parts.gateway.canary.run()
    yield parts.gateway.feed.run()
    yield parts.gateway.revocations.run()
    yield parts.gateway.timers.run()
    yield parts.gateway.flow.run()
    yield parts.gateway.flow.withholding.run()
    yield parts.gateway.switches.run()
    yield parts.subscriptions.run()
    yield parts.membership.run()
    yield parts.gateway.signals.loop_lag.run()
    if parts.rebalancer is not None:
        yield parts.rebalancer.run()
    if parts.jwks is not None:
        yield parts.jwks.run()


async def _end(loops: Collection[asyncio.Task[None]]) -> None:
    # Again and again: redis-py sends by `asyncio.wait_for`, which on Python 3.11 forgets a
    # cancellation that comes as the send ends, and the process would then run for ever.
    while loops:
        for loop in loops:
            loop.cancel()
        _, loops = await asyncio.wait(loops, timeout=CANCEL_AGAIN_S)


def _warn_of_few_descriptors(settings: GatewaySettings) -> None:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit < settings.max_connections + SPARE_DESCRIPTORS:
        logger().warning(
            "descriptors.few",
            limit=limit,
            max_connections=settings.max_connections,
            remedy="raise the hard limit (ulimit -Hn) or lower GATEWAY_MAX_CONNECTIONS",
        )


def _listener(settings: GatewaySettings) -> socket.socket:
    # Every process binds the port for itself, and the kernel spreads the connects over them.
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((settings.host, settings.port))
    return listener
