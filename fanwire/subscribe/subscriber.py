"""Receive events from a gateway, across reconnects, without a silent gap.

    async with Subscriber(url, get_token=fetch_token, services=["tasks"]) as subscriber:
        async for event in subscriber.events():
            print(event.service, event.data)

It connects when it is entered, and again whenever the connection ends, until it is left or
refused for good. session.py decides about frames, reconnect.py about waits.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from types import EllipsisType
from typing import Self

import httpx

from fanwire.core.position import parse_position
from fanwire.core.property_filter import passes
from fanwire.errors import RealtimeError, Unreachable
from fanwire.subscribe.addresses import parse_gateway
from fanwire.subscribe.connector import Connector, GetToken, Wanted
from fanwire.subscribe.gateway import Applied, update_services
from fanwire.subscribe.inbox import Inbox
from fanwire.subscribe.limits import SubscriberLimits
from fanwire.subscribe.session import Gap, Moved, Session
from fanwire.subscribe.states import State, StateChange
from fanwire.wire.delivered_event import DeliveredEvent

log = logging.getLogger("fanwire")


class Subscriber:
    """An async context manager; one task at a time iterates over `events` or `updates`."""

    def __init__(
        self,
        url: str,
        *,
        get_token: GetToken,
        services: Sequence[str] | None = None,
        property_id: str | None = None,
        resume_from: Mapping[str, str] | None = None,
        limits: SubscriberLimits | None = None,
    ) -> None:
        """Prepare; nothing is sent yet.

        Without `services` they are those that the token lists. `get_token` is asked before
        every connect and when a token nears its end; it may be async. `resume_from` are
        `positions` of an earlier subscriber.

        Raises:
            BadMessage, InvalidPosition: If the url or a position is not one.
        """
        self._limits = limits or SubscriberLimits()
        self._gateway = parse_gateway(url)
        self._inbox = Inbox(self._limits.inbox_count)
        self._taken = {name: parse_position(p) for name, p in (resume_from or {}).items()}
        self._on_state: Callable[[StateChange], None] | None = None
        self._settled = asyncio.Event()
        self._failure: RealtimeError | None = None
        self._session = Session(self._taken)
        self._connector = Connector(
            self._gateway,
            get_token=get_token,
            wanted=Wanted(None if services is None else tuple(services), property_id),
            session=self._session,
            limits=self._limits,
            on_state=self._state_changed,
        )
        self._tasks = asyncio.TaskGroup()
        self._run: asyncio.Task[None] | None = None
        self._http = httpx.AsyncClient(timeout=10)
        self._changing = asyncio.Lock()

    def watch(self, on_state: Callable[[StateChange], None]) -> Self:
        """Call `on_state`, and no longer an earlier one, with each change of the connection."""
        self._on_state = on_state
        return self

    @property
    def state(self) -> State:
        """What the connection is doing."""
        return self._connector.state

    @property
    def connection_id(self) -> str | None:
        """The open socket's id, or None while there is none."""
        hello = self._connector.hello
        return None if hello is None else hello.connection_id

    @property
    def services(self) -> tuple[str, ...] | None:
        """The services subscribed to, as far as a gateway has confirmed them."""
        return self._connector.wanted.services

    @property
    def positions(self) -> dict[str, str]:
        """From where a later subscriber may resume: everything up to here was taken."""
        return {service: str(position) for service, position in self._taken.items()}

    @property
    def suppressed_count(self) -> int:
        """How many events came again and were not handed over again."""
        return self._session.suppressed_count

    @property
    def conflated_count(self) -> int:
        """Events left out for newer ones of the same entity, under pressure."""
        return self._session.conflated_count

    async def __aenter__(self) -> Self:
        """Connect and wait for the first hello.

        Raises:
            RealtimeError: If the gateway refuses for good. While none can be reached, it is
                tried again; bound the wait with `asyncio.timeout` if that is not wanted.
        """
        await self._tasks.__aenter__()
        self._run = self._tasks.create_task(self._connector.run(self._inbox, self._taken))
        try:
            await self._settled.wait()
            if self._failure is not None:
                raise self._failure
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()
        if self.state is not State.CLOSED:
            self._connector.enter(StateChange(State.CLOSED))

    async def updates(self) -> AsyncGenerator[DeliveredEvent | Gap, None]:
        """Iterate over events and gaps, in order within each service.

        After a `Gap` the app fetches the service's state again; events go on behind it.

        Raises:
            RealtimeError: What ended the subscription for good.
        """
        while (update := await self._inbox.pop()) is not None:
            if isinstance(update, Moved):
                # Recorded at the end of a batch: only there does the log resume exactly.
                self._taken[update.service] = update.position
            else:
                yield update

    async def events(
        self,
        *services: str,
        property_id: str | None = None,
        on_gap: Callable[[Gap], None] | None = None,
    ) -> AsyncGenerator[DeliveredEvent, None]:
        """Iterate over the events of these services and property; by default over all.

        Others that are subscribed to are skipped. A gap goes to `on_gap`, or else is logged.
        """
        wanted = None if property_id is None else frozenset((property_id,))
        async for update in self.updates():
            if services and update.service not in services:
                continue
            if isinstance(update, Gap):
                (on_gap or _log_gap)(update)
            elif passes(wanted, update.property_id):
                yield update

    async def set_services(
        self, services: Sequence[str], *, property_id: str | EllipsisType | None = ...
    ) -> Applied:
        """Change the services of the open socket in place; `property_id=None` clears the filter.

        Changes are made one after another. Events of new services follow a moment later.

        Raises:
            Unreachable: If there is no connection now.
            RealtimeError: What the gateway objects to.
        """
        async with self._changing:
            connection_id = self.connection_id
            if connection_id is None:
                raise Unreachable(f"no connection now: {self.state}")
            return await update_services(
                self._http,
                self._gateway,
                await self._connector.token(),
                services=services,
                property_id=property_id,
                connection_id=connection_id,
            )

    def _state_changed(self, change: StateChange) -> None:
        if change.state in {State.CONNECTED, State.CLOSED}:
            self._failure = change.error
            self._settled.set()
        if self._on_state is not None:
            self._on_state(change)

    async def _end(self) -> None:
        if self._run is not None:
            self._run.cancel()
        self._inbox.close()
        # Without the exception of the caller's block: the group would wrap it.
        await self._tasks.__aexit__(None, None, None)
        await self._http.aclose()


def _log_gap(gap: Gap) -> None:
    log.warning("%s: events up to %s may be missing (%s)", gap.service, gap.position, gap.reason)
