"""`GET /v2/realtime/stream`, upgraded to a WebSocket.

What is wrong with the caller is refused before the upgrade, with a status. What is wrong with
the request itself is refused after it, with a close code: a browser shows its page no status
of a failed upgrade, and would try the same again for ever.
"""

import secrets
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Final, NamedTuple

from fastapi import Response, WebSocket
from redis.exceptions import RedisError
from starlette.websockets import WebSocketDisconnect

from fanwire.auth.claims import Claims
from fanwire.core.connection_ids import new_connection_id
from fanwire.errors import (
    BadMessage,
    Forbidden,
    RealtimeError,
    TooManyServices,
    Unauthorized,
)
from gateway.auth.tokens import (
    bearer_token,
    echoed_subprotocol,
    extract_token,
    has_token_parameter,
    only_authorization,
)
from gateway.cluster.org_watch import OrgWatch
from gateway.connection.connection import Connection
from gateway.edge.edge import Edge
from gateway.edge.upgrade import EXTENSION, HandOver
from gateway.routes.answers import error_response
from gateway.session.joining import JoinResult, ServiceStart
from gateway.session.sessions import Sessions
from gateway.session.stream_request import StreamRequest, parse_stream_query
from gateway.telemetry.telemetry import GatewayTelemetry
from shared.logs import logger
from shared.redis.pipelined import RedisUnavailable
from shared.telemetry import spans
from shared.telemetry.short_span import ShortSpan, begin

log = logger()

PATH: Final = "/v2/realtime/stream"
RECOVERED: Final = "recovered"
RESET: Final = "reset"
JOINED: Final = "joined"
GONE: Final = "gone"


class _Admitted(NamedTuple):
    """A caller who may come in, if not with every request."""

    connection: Connection
    request: StreamRequest | BadMessage | TooManyServices


class Stream:
    """The route."""

    def __init__(
        self, edge: Edge, orgs: OrgWatch, sessions: Sessions, telemetry: GatewayTelemetry
    ) -> None:
        self._edge = edge
        self._orgs = orgs
        self._sessions = sessions
        self._telemetry = telemetry

    async def answer(self, socket: WebSocket) -> None:
        """Check the caller, upgrade, and join the services asked for."""
        if socket.scope["raw_path"] != PATH.encode():
            # An encoded slash: a proxy's rules may have read the path in another way.
            await nowhere(socket)
            return
        tracer = self._telemetry.telemetry.tracer
        with begin(tracer, spans.CONNECT) as span, ExitStack() as arrival:
            with span.active():
                admitted = await self._admitted(socket, arrival)
            if isinstance(admitted, RealtimeError):
                span.refuse(admitted)
                await socket.send_denial_response(error_response(admitted))
            elif not await _upgrade(socket, admitted.connection):
                span.end(GONE)  # gone during the handshake
            elif isinstance(admitted.request, RealtimeError):
                span.refuse(admitted.request)
                admitted.connection.close(admitted.request)
            else:
                self._sessions.registry.add(admitted.connection)
                arrival.close()  # it is counted there from now on
                await self._join(admitted.connection, admitted.request, span)

    async def _admitted(self, socket: WebSocket, arrival: ExitStack) -> _Admitted | RealtimeError:
        address = self._edge.address_of(socket)
        try:
            claims = self._admit(socket, address, arrival)
            request = self._request_of(socket, claims)
            if not isinstance(request, RealtimeError):
                await self._orgs.follow(claims)
                self._orgs.refuse_if_off(claims.org)
        except RealtimeError as error:
            self._telemetry.counters.reject(error)
            cause = getattr(error, "cause", error.message)
            log.info("conn.refused", error=error.name, cause=cause)
            return error
        name = new_connection_id(self._sessions.profile.node, secrets.token_urlsafe(9))
        return _Admitted(Connection(self._sessions.messages, claims, name, address), request)

    def _admit(self, socket: WebSocket, address: str, arrival: ExitStack) -> Claims:
        admission = self._edge.admission
        admission.check_node()
        admission.check_address(address)
        authorization = only_authorization(socket.headers.getlist("authorization"))
        token = extract_token(
            socket.scope["subprotocols"],
            authorization,
            query_has_token=has_token_parameter(socket.query_params),
        )
        in_header = bearer_token(authorization) is not None
        if not self._edge.origins.allows(socket.headers.get("origin"), token_in_header=in_header):
            raise Forbidden("this origin is not allowed")
        claims = self._sessions.credentials.claims_of(token)
        arrival.enter_context(admission.arrive(claims, address))
        return claims

    def _request_of(
        self, socket: WebSocket, claims: Claims
    ) -> StreamRequest | BadMessage | TooManyServices:
        try:
            return parse_stream_query(
                socket.query_params.multi_items(),
                claims=claims,
                max_services=self._sessions.profile.max_services,
            )
        except (BadMessage, TooManyServices) as error:
            return error

    async def _join(self, connection: Connection, request: StreamRequest, span: ShortSpan) -> None:
        self._sessions.timers.renew(connection)
        try:
            with span.active():
                log.debug("conn.opened", connection=connection.id, org=connection.claims.org)
                # Once more: a revocation during the upgrade found no connection to close.
                self._sessions.credentials.check_revoked(connection.claims)
                joined = await self._sessions.joiner.join(connection, request)
            span.end(JOINED, count=len(joined.starts))
            await self._replay(joined, span)
        except Unauthorized as error:
            span.refuse(error)
            connection.close(error)
        except (RealtimeError, RedisError, OSError) as error:
            unavailable = RedisUnavailable("the services could not be joined")
            with span.active():
                log.warning("conn.join_failed", cause=str(error))
            span.refuse(unavailable)
            connection.close(unavailable)

    async def _replay(self, joined: JoinResult, connect: ShortSpan) -> None:
        resumes = [start for start in joined.starts if start.asked_to_resume]
        if not resumes:
            return  # and nothing is to be replayed
        with begin(self._telemetry.telemetry.tracer, spans.RESUME, connect) as span, span.active():
            await self._sessions.joiner.replay(joined)
            result = RESET if any(start.reset for start in resumes) else RECOVERED
            span.end(result, count=sum(start.replayed for start in resumes))
        self._count(resumes)

    def _count(self, starts: Iterable[ServiceStart]) -> None:
        resumes = self._telemetry.counters.resumes
        for start in starts:
            if start.resumed_from is not None:
                resumes[RECOVERED] += 1
                self._telemetry.histograms.resumed(start.replayed)
            elif start.reset is not None:
                resumes[start.reset] += 1


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
