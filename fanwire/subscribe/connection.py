"""One WebSocket of a subscriber, from its upgrade to its end.

Two tasks: one listens and hands updates to the inbox, one tells the gateway what was taken
and refreshes the token. Listening stops while the inbox is full, and only then; the silence
that counts as a dead connection is measured while listening alone.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from fanwire.core.clock import now_ms, wall_ms
from fanwire.core.position import ZERO, Position
from fanwire.errors import BadMessage, Draining, RealtimeError, Unreachable
from fanwire.subscribe.inbox import Inbox
from fanwire.subscribe.session import Resume, Session
from fanwire.subscribe.token_life import refresh_in_ms
from fanwire.wire.client_frames import encode_ack, encode_client_auth
from fanwire.wire.decode import (
    AuthFrame,
    DrainFrame,
    ErrorFrame,
    HelloFrame,
    ServerFrame,
    SubscriptionsFrame,
    decode_server_frame,
)
from fanwire.wire.remote_errors import error_of_close

HELLO_PATIENCE_S: Final = 10.0
"""A gateway prepares for 3 s at most; the rest is for the network."""

SILENT_HEARTBEATS: Final = 2.5
"""Two may go missing, with half of one for a slow network, as gateways forgive their clients."""

TELL_EVERY_S: Final = 1.0

REFRESH_RETRY_MS: Final = 30_000
"""A token is refreshed at four fifths of its life: several tries fit into what is left of an
hour's."""

log = logging.getLogger("fanwire")


class StreamConnection:
    """Speaks the protocol on one socket, on behalf of a session that outlives it."""

    def __init__(
        self,
        socket: ClientConnection,
        *,
        session: Session,
        inbox: Inbox,
        taken: Mapping[str, Position],
        get_token: Callable[[], Awaitable[str]],
        on_subscription: Callable[[HelloFrame | SubscriptionsFrame], None],
    ) -> None:
        self._socket = socket
        self._session = session
        self._inbox = inbox
        self._taken = taken
        self._acked: dict[str, Position] = {}
        self._get_token = get_token
        self._on_subscription = on_subscription
        self._patience_s = HELLO_PATIENCE_S
        self._refresh_at_ms = float("inf")
        self._leave_at_ms = float("inf")
        self._notice: RealtimeError | None = None

    async def run(self) -> RealtimeError:
        """Converse until the end, and return what ended it."""
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(self._report())
            try:
                return await self._listen()
            finally:
                telling.cancel()

    async def _listen(self) -> RealtimeError:
        try:
            while True:
                async with asyncio.timeout(self._wait_s()):
                    text = await self._socket.recv(decode=False)
                broken = await self._receive(decode_server_frame(text))
                if broken is not None:
                    return broken
        except TimeoutError:
            if now_ms() >= self._leave_at_ms:
                return Draining("the node is draining", retry_after_ms=0)
            return Unreachable(f"no frame from the gateway for {self._patience_s:.0f} s")
        except ConnectionClosed as closed:
            return self._error_of(closed)
        except BadMessage as error:
            # The gateway's mistake, not ours: worth another connection.
            return RealtimeError(str(error))

    def _wait_s(self) -> float:
        return max(0.0, min(self._patience_s, (self._leave_at_ms - now_ms()) / 1000))

    async def _receive(self, frame: ServerFrame) -> RealtimeError | None:
        self._note(frame)
        verdict = self._session.receive(frame)
        if isinstance(verdict, Resume):
            return RealtimeError(
                f"{verdict.service}: a batch follows {verdict.prev}, mine is {verdict.mine}"
            )
        if isinstance(frame, HelloFrame | SubscriptionsFrame):
            # The gateway knows where it began: only what follows needs an ack.
            self._acked.update(self._session.positions)
            self._on_subscription(frame)
        if verdict:
            await self._inbox.put(verdict)
        return None

    def _note(self, frame: ServerFrame) -> None:
        match frame:
            case HelloFrame():
                self._patience_s = frame.heartbeat_ms * SILENT_HEARTBEATS / 1000
                self._schedule_refresh(frame.token_expires_at_ms)
            case AuthFrame():
                self._schedule_refresh(frame.token_expires_at_ms)
            case DrainFrame():
                self._leave_at_ms = now_ms() + frame.reconnect_after_ms
            case ErrorFrame():
                self._notice = frame.error
                log.warning("the gateway reports %s: %s", frame.error.name, frame.error)
            case _:
                pass

    def _error_of(self, closed: ConnectionClosed) -> RealtimeError:
        received = closed.rcvd
        if received is None:
            return Unreachable("the connection broke")
        if self._leave_at_ms != float("inf"):
            left_ms = max(0, int(self._leave_at_ms - now_ms()))
            return Draining("the node is draining", retry_after_ms=left_ms)
        if self._notice is not None and self._notice.code == received.code:
            return self._notice
        return error_of_close(received.code, received.reason)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            try:
                await self._acknowledge()
                if now_ms() >= self._refresh_at_ms:
                    await self._refresh_token()
            except ConnectionClosed:
                return

    async def _acknowledge(self) -> None:
        known = self._session.positions
        # Never ahead of what this gateway has sent: after a rollback the inbox may still hold
        # positions of the log that is gone.
        fresh = {
            service: position
            for service, position in self._taken.items()
            if self._acked.get(service, ZERO) < position <= known.get(service, ZERO)
        }
        if fresh:
            await self._socket.send(encode_ack(fresh), text=True)
            self._acked.update(fresh)

    async def _refresh_token(self) -> None:
        self._refresh_at_ms = now_ms() + REFRESH_RETRY_MS
        try:
            token = await self._get_token()
        except RealtimeError as error:
            # The old token still holds; when it ends, connecting again will tell for good.
            log.warning("no fresh token: %s", error)
            return
        await self._socket.send(encode_client_auth(token), text=True)

    def _schedule_refresh(self, expires_at_ms: int) -> None:
        # An expiry is a point on the wall clock; everything else here is monotonic.
        left_ms = expires_at_ms - wall_ms()
        self._refresh_at_ms = now_ms() + refresh_in_ms(left_ms, random.random())
