"""Runs a gateway: its ports, its loops, and the order in which they stop."""

import asyncio
import resource
import socket
from collections.abc import Collection
from typing import Final

import uvicorn
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware.cors import CORSMiddleware

from gateway.build import Gateway, node_name
from gateway.edge.descriptors import fit_descriptors
from gateway.edge.http_protocol import BoundedHttpProtocol
from gateway.routes import positions, publish, stream, subscriptions
from gateway.routes import telemetry as client_telemetry
from gateway.routes.caller import Callers
from gateway.routes.event_writer import EventWriter
from gateway.routes.internal import Internal
from gateway.routes.metrics import MetricPages
from gateway.routes.positions import Positions
from gateway.routes.publish import Publish
from gateway.routes.subscriptions import Subscriptions
from gateway.routes.telemetry import ClientTelemetry
from gateway.settings import GatewaySettings
from gateway.telemetry.org_metrics import OrgCollector
from gateway.telemetry.telemetry import GatewayTelemetry
from shared.http_server import QuietServer, internal_server
from shared.logs import logger
from shared.redis.requirements import warn_unless_safe
from shared.runtime import stop_event
from shared.settings.loading import SettingsProblem
from shared.settings.realtime import RealtimeSettings, TokenSettings
from shared.telemetry.settings import Exports
from shared.telemetry.setup import Telemetry

log = logger()

BACKLOG: Final = 4_096
"""The kernel cuts it to net.core.somaxconn, 4 096 on Linux: all clients of a neighbour may come
at once."""

CANCEL_AGAIN_S: Final = 0.1
"""Soon enough that a lost cancellation does not lengthen a stop by anything that shows."""

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
        SettingsProblem: If its port is taken, or the system allows too few open files.
    """
    stop = stop_event()
    instance = node_name(settings)
    telemetry = Telemetry.of_environment(exports, server="gateway", instance=instance)
    gateway = Gateway(realtime, tokens, settings, GatewayTelemetry.of(telemetry, realtime))
    descriptor_limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    fit_descriptors(gateway.edge.admission, descriptor_limit=descriptor_limit)
    await warn_unless_safe(gateway.links.redis)
    public = public_server(gateway)
    private = internal_server(
        internal_api(gateway),
        host=settings.internal_host,
        port=settings.internal_port,
    )
    listener = _listener(settings)
    async with asyncio.TaskGroup() as tasks:
        loops = [tasks.create_task(loop) for loop in gateway.loops()]
        tasks.create_task(public.serve(sockets=[listener]))
        tasks.create_task(private.serve())
        log.info("gateway.started", node=instance, port=settings.port)
        await stop.wait()
        await gateway.cluster.drainer.drain()
        public.should_exit = True
        await gateway.cluster.membership.leave()
        private.should_exit = True
        await _end(loops)
    await gateway.links.redis.aclose()
    await telemetry.close()
    log.info("gateway.stopped", node=instance)


def public_api(gateway: Gateway) -> FastAPI:
    """Return the application that clients reach."""
    api = FastAPI(title="Fanwire gateway", docs_url=None, redoc_url=None, telemetry=NO_TELEMETRY)
    edge, sessions, telemetry = gateway.edge, gateway.sessions, gateway.telemetry
    orgs, settings = gateway.cluster.orgs, gateway.settings
    # Not FastAPI's decorator: it resolves dependencies for each handshake, and has none to.
    socket_route = stream.Stream(edge, orgs, sessions, telemetry)
    api.router.add_websocket_route(stream.PATH, socket_route.answer)
    api.router.add_websocket_route("/{path:path}", stream.nowhere)
    api.add_api_route(stream.PATH, stream.upgrade_required, methods=["GET"])
    callers = Callers(sessions.credentials, orgs, edge.admission, telemetry.counters)
    heads = Positions(
        callers, orgs, gateway.delivery.replay_log, max_services=settings.max_services
    )
    changes = Subscriptions(
        callers,
        sessions.store,
        settings.body_limits,
        max_services=settings.max_services,
        tracer=telemetry.telemetry.tracer,
    )
    reports = ClientTelemetry(
        callers,
        telemetry.client_health,
        telemetry.histograms,
        body_timeout_ms=settings.body_timeout_ms,
    )
    api.add_api_route(positions.PATH, heads.answer, methods=["GET"])
    api.add_api_route(publish.PATH, _publishing(gateway, callers).answer, methods=["POST"])
    api.add_api_route(subscriptions.PATH, changes.answer, methods=["POST"])
    api.add_api_route(client_telemetry.PATH, reports.answer, methods=["POST"])
    api.add_middleware(
        CORSMiddleware,
        allow_origins=list(gateway.settings.allowed_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
        max_age=600,
    )
    return api


def _publishing(gateway: Gateway, callers: Callers) -> Publish:
    telemetry = gateway.telemetry
    return Publish(
        callers,
        EventWriter(gateway.links.control, gateway.links.keys),
        telemetry.published,
        gateway.settings.body_limits,
        telemetry.telemetry.tracer,
    )


def internal_api(gateway: Gateway) -> FastAPI:
    """Return the application that operators and orchestrators reach."""
    api = FastAPI(title="Fanwire gateway, internal", docs_url=None, redoc_url=None)
    delivery, sessions = gateway.delivery, gateway.sessions
    node = Internal(
        gateway.cluster,
        delivery.feed,
        delivery.hub,
        sessions.credentials.verifier,
        node=sessions.profile.node,
    )
    api.add_api_route("/livez", node.livez, methods=["GET"])
    api.add_api_route("/readyz", node.readyz, methods=["GET"])
    api.add_api_route("/drain", node.drain, methods=["POST"])
    orgs = OrgCollector(sessions.registry, delivery.feed.stats)
    pages = MetricPages(gateway.telemetry.telemetry, orgs)
    api.add_api_route("/metrics", pages.all, methods=["GET"])
    api.add_api_route("/metrics/orgs", pages.of_orgs, methods=["GET"])
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


async def _end(loops: Collection[asyncio.Task[None]]) -> None:
    # Again and again: redis-py sends by `asyncio.wait_for`, which on Python 3.11 forgets a
    # cancellation that comes as the send ends, and the process would then run for ever.
    while loops:
        for loop in loops:
            loop.cancel()
        _, loops = await asyncio.wait(loops, timeout=CANCEL_AGAIN_S)


def _listener(settings: GatewaySettings) -> socket.socket:
    # Every process binds the port for itself, and the kernel spreads the connects over them.
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise SettingsProblem(
            f"GATEWAY_HOST and GATEWAY_PORT: {settings.host} port {settings.port} cannot be had: "
            f"{error.strerror}"
        ) from None
    return listener
