"""`GET /v2/realtime/stream`, upgraded to a WebSocket.

What is wrong with the caller is refused before the upgrade, with a status. What is wrong with
the request itself is refused after it, with a close code: a browser shows its page no status
of a failed upgrade, and would try the same again for ever.
"""

import asyncio
import secrets
import time
from collections.abc import Iterable
from typing import Final, NamedTuple

import structlog
from fastapi import Response, WebSocket
from redis.exceptions import RedisError
from starlette.websockets import WebSocketDisconnect

from fanwire.core.connection_ids import new_connection_id
from fanwire.errors import (
    BadMessage,
    Forbidden,
    RealtimeError,
    TooManyServices,
    Unauthorized,
)
from gateway.auth.claims import Claims
from gateway.auth.tokens import (
    bearer_token,
    echoed_subprotocol,
    extract_token,
    has_token_parameter,
)
from gateway.connection.connection import Connection
from gateway.edge.upgrade import EXTENSION, HandOver
from gateway.flow_control.switches import switched_off
from gateway.gateway import Gateway
from gateway.routes.answers import error_response
from gateway.session.joining import JoinResult, ServiceStart
from gateway.session.stream_request import StreamRequest, parse_stream_query
from shared.redis.pipelined import RedisUnavailable
from shared.telemetry import spans
from shared.telemetry.short_span import ShortSpan, begin

log = structlog.get_logger()

PATH: Final = "/v2/realtime/stream"
RECOVERED: Final = "recovered"
RESET: Final = "reset"
JOINED: Final = "joined"
GONE: Final = "gone"
LONGEST_PREPARATION_S: Final = 3.0


class _Admitted(NamedTuple):
    """A caller who may come in, if not with every request."""

    connection: Connection
    request: StreamRequest | BadMessage | TooManyServices


async def stream(socket: WebSocket) -> None:
    """Check the caller, upgrade, and join the services asked for."""
    gateway: Gateway = socket.app.state.gateway
    if socket.scope["raw_path"] != PATH.encode():
        # An encoded slash: a proxy's rules may have read the path in another way.
        await nowhere(socket)
        return
    with begin(gateway.signals.telemetry.tracer, spans.CONNECT) as span:
        with span.active():
            admitted = await _admitted(socket, gateway)
        if isinstance(admitted, RealtimeError):
            span.refuse(admitted)
            await socket.send_denial_response(error_response(admitted))
        elif not await _upgrade(socket, admitted.connection):
            span.end(GONE)  # gone during the handshake
        elif isinstance(admitted.request, RealtimeError):
            span.refuse(admitted.request)
            admitted.connection.close(admitted.request)
        else:
            await _join(admitted.connection, admitted.request, gateway, span)


async def nowhere(socket: WebSocket) -> None:
    """Refuse an upgrade on any other path; left alone, it would be answered as forbidden."""
    await socket.send_denial_response(Response("no WebSocket is here", 404))


async def upgrade_required() -> Response:
    """Answer a request for the stream that asks for no upgrade."""
    return Response(
        "this is a WebSocket: upgrade to it",
        status_code=426,
        headers={"Upgrade": "websocket", "Connection": "Upgrade"},
        media_type="text/plain",
    )


async def _admitted(socket: WebSocket, gateway: Gateway) -> _Admitted | RealtimeError:
    address = _address_of(socket, gateway)
    try:
        claims = await _admit(socket, gateway, address)
        request = _request_of(socket, claims, gateway)
        if not isinstance(request, RealtimeError):
            await _open_org(claims, gateway)
    except RealtimeError as error:
        gateway.signals.counters.reject(error)
        log.info("conn.refused", error=error.name, cause=getattr(error, "cause", error.message))
        return error
    connection_id = new_connection_id(gateway.profile.node, secrets.token_urlsafe(9))
    return _Admitted(Connection(gateway.sessions, claims, connection_id, address), request)


async def _admit(socket: WebSocket, gateway: Gateway, address: str) -> Claims:
    gateway.admission.check_node()
    gateway.admission.check_address(address)
    authorization = socket.headers.get("authorization")
    token = extract_token(
        socket.scope["subprotocols"],
        authorization,
        query_has_token=has_token_parameter(socket.query_params),
    )
    origin = socket.headers.get("origin")
    if not gateway.origins.allows(origin, token_in_header=bearer_token(authorization) is not None):
        raise Forbidden("this origin is not allowed")
    now_s = time.time()  # noqa: TID251 (tokens know no other clock)
    claims = gateway.verifier.verify(token, now_s=now_s)
    gateway.admission.check_connect(claims)
    return claims


def _request_of(
    socket: WebSocket, claims: Claims, gateway: Gateway
) -> StreamRequest | BadMessage | TooManyServices:
    try:
        return parse_stream_query(
            socket.query_params.multi_items(),
            claims=claims,
            max_services=gateway.profile.max_services,
        )
    except (BadMessage, TooManyServices) as error:
        return error


def _address_of(socket: WebSocket, gateway: Gateway) -> str:
    peer = socket.client.host if socket.client else ""
    forwarded_for = socket.headers.getlist("x-forwarded-for")
    return gateway.addresses.of(peer, forwarded_for)


async def _open_org(claims: Claims, gateway: Gateway) -> None:
    """Return once nothing that happens to the caller's org can pass unheard."""
    if not gateway.bell.hears(claims.org):
        try:
            async with asyncio.timeout(LONGEST_PREPARATION_S):
                await gateway.bell.listen(claims.org)
        except TimeoutError:
            raise RedisUnavailable("its bell is not heard") from None
    await gateway.revocations.open(claims.org)
    await gateway.switches.open(claims.org)
    if gateway.switchboard.of(claims.org).emergency:
        raise switched_off()
    gateway.revocations.check(claims)


async def _upgrade(socket: WebSocket, connection: Connection) -> bool:
    """Give the socket to `connection`; False if it is gone.

    Not inside the active span: asyncio's own loop runs a transport's callbacks in a copy of the
    context it was given in, and would keep the span for as long as the socket lives.
    """
    try:
        await socket.accept(echoed_subprotocol(socket.scope["subprotocols"]))
        hand_over: HandOver = socket.scope["extensions"][EXTENSION]
        hand_over(connection)
    except (ConnectionError, WebSocketDisconnect):
        return False
    return True


async def _join(
    connection: Connection, request: StreamRequest, gateway: Gateway, span: ShortSpan
) -> None:
    gateway.registry.add(connection)
    gateway.signals.counters.opened += 1
    gateway.timers.renew(connection)
    try:
        with span.active():
            log.debug("conn.opened", connection=connection.id, org=connection.claims.org)
            # Once more: a revocation during the upgrade found no connection to close.
            gateway.revocations.check(connection.claims)
            joined = await gateway.joiner.join(connection, request)
        span.end(JOINED, count=len(joined.starts))
        await _replay(joined, gateway, span)
    except Unauthorized as error:
        span.refuse(error)
        connection.close(error)
    except (RealtimeError, RedisError, OSError) as error:
        unavailable = RedisUnavailable("the services could not be joined")
        with span.active():
            log.warning("conn.join_failed", cause=str(error))
        span.refuse(unavailable)
        connection.close(unavailable)


async def _replay(joined: JoinResult, gateway: Gateway, connect: ShortSpan) -> None:
    resumes = [start for start in joined.starts if start.asked_to_resume]
    if not resumes:
        return  # and nothing is to be replayed
    tracer = gateway.signals.telemetry.tracer
    with begin(tracer, spans.RESUME, connect) as span, span.active():
        await gateway.joiner.replay(joined)
        result = RESET if any(start.reset for start in resumes) else RECOVERED
        span.end(result, count=sum(start.replayed for start in resumes))
    _count_resumes(resumes, gateway)


def _count_resumes(starts: Iterable[ServiceStart], gateway: Gateway) -> None:
    for start in starts:
        if start.resumed_from is not None:
            gateway.signals.counters.resumes[RECOVERED] += 1
            gateway.signals.histograms.resumed(start.replayed)
        elif start.reset is not None:
            gateway.signals.counters.resumes[start.reset] += 1
