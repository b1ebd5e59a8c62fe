"""Keeps a subscriber connected: opens sockets one after another until told to stop.

What is asked for at each connect is what the last gateway acknowledged, not what the
subscriber began with, so a change made from elsewhere survives a reconnect as well.
"""

import asyncio
import inspect
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from fanwire.core.clock import now_ms
from fanwire.core.position import Position
from fanwire.errors import RealtimeError, Unreachable
from fanwire.subscribe.addresses import GatewayAddress
from fanwire.subscribe.connection import StreamConnection
from fanwire.subscribe.gateway import CONNECT_FAILURES, error_of_connect, open_socket
from fanwire.subscribe.inbox import Inbox
from fanwire.subscribe.limits import SubscriberLimits
from fanwire.subscribe.reconnect import Reconnect, Stop
from fanwire.subscribe.session import Session
from fanwire.subscribe.states import State, StateChange
from fanwire.wire.decode import HelloFrame, SubscriptionsFrame

log = logging.getLogger("fanwire")

GetToken = Callable[[], str | Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to subscribe to; no services means all that the token lists."""

    services: tuple[str, ...] | None = None
    property_id: str | None = None


class Connector:
    """One session's connections. Cancel `run` to end it."""

    def __init__(
        self,
        gateway: GatewayAddress,
        *,
        get_token: GetToken,
        wanted: Wanted,
        session: Session,
        limits: SubscriberLimits,
        on_state: Callable[[StateChange], None],
    ) -> None:
        self.wanted = wanted
        self.state = State.IDLE
        self.hello: HelloFrame | None = None
        """Of the open socket; None while there is none."""
        self._gateway = gateway
        self._get_token = get_token
        self._session = session
        self._reconnect = Reconnect(limits.reconnect)
        self._max_frame_bytes = limits.max_frame_bytes
        self._on_state = on_state

    async def run(self, inbox: Inbox, taken: Mapping[str, Position]) -> None:
        """Stay connected until refused for good; then close the inbox with the reason."""
        self.enter(StateChange(State.CONNECTING))
        while True:
            error = await self._one_connection(inbox, taken)
            self.hello = None
            verdict = self._reconnect.after(error, chance=random.random(), now_ms=now_ms())
            if isinstance(verdict, Stop):
                self.enter(StateChange(State.CLOSED, verdict.error))
                inbox.close(verdict.error)
                return
            self.enter(StateChange(State.RECONNECTING, error, verdict.ms))
            await asyncio.sleep(verdict.ms / 1000)

    def enter(self, change: StateChange) -> None:
        """Change the state and tell who watches."""
        self.state = change.state
        self._on_state(change)

    async def token(self) -> str:
        """Return a token from the app.

        Raises:
            RealtimeError: What the app raised; any other exception of it as Unreachable.
        """
        try:
            answer = self._get_token()
            return await answer if inspect.isawaitable(answer) else answer
        except RealtimeError:
            raise
        except Exception as failure:
            # The app's own code failed, most likely to reach its issuer: worth another try.
            log.exception("get_token failed")
            raise Unreachable(f"get_token failed: {failure!r}") from failure

    async def _one_connection(self, inbox: Inbox, taken: Mapping[str, Position]) -> RealtimeError:
        try:
            token = await self.token()
        except RealtimeError as failure:
            return failure
        url = self._gateway.stream(
            self.wanted.services, self.wanted.property_id, self._session.positions
        )
        try:
            async with open_socket(url, token, max_frame_bytes=self._max_frame_bytes) as socket:
                conversation = StreamConnection(
                    socket,
                    session=self._session,
                    inbox=inbox,
                    taken=taken,
                    get_token=self.token,
                    on_subscription=self._subscribed,
                )
                try:
                    return await conversation.run()
                finally:
                    # Cancelled, the library would report an internal error to the gateway.
                    await socket.close()
        except CONNECT_FAILURES as failure:
            return error_of_connect(failure, self._gateway)

    def _subscribed(self, frame: HelloFrame | SubscriptionsFrame) -> None:
        names = tuple(service.name for service in frame.services)
        self.wanted = Wanted(names, frame.property_id)
        if isinstance(frame, HelloFrame):
            self.hello = frame
            self._reconnect.connected(now_ms=now_ms())
            self.enter(StateChange(State.CONNECTED))
