"""Follows the live switches and tells the sockets that they concern.

`flags` is one small hash for the whole deployment and is simply read twice a second, so that an
emergency needs no channel to work. `flags:{org}` is read when the org's bell says so, and by a
slow poll. When Redis cannot be read, the last state stays.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

import structlog
from redis.exceptions import RedisError

from fanwire.errors import RealtimeError
from fanwire.ids import Org
from fanwire.keys import Keys
from fanwire.switches import Switches, all_off, read_switches
from fanwire.wire import encode_disabled
from gateway.connection import Connection
from gateway.flow_control import FlowControl
from gateway.registry import Registry
from gateway.round_trips import RoundTrips
from gateway.switchboard import RETRY_AFTER_MS, Switchboard, switched_off
from shared.redis_io import as_hash

log = structlog.get_logger()

READ_S: Final = 0.5
READS_PER_POLL: Final = 10


class SwitchWatch:
    """Keeps the switchboard fresh; `run` must be running."""

    def __init__(
        self,
        round_trips: RoundTrips,
        keys: Keys,
        registry: Registry,
        board: Switchboard,
        flow: FlowControl,
    ) -> None:
        self._round_trips = round_trips
        self._keys = keys
        self._registry = registry
        self._board = board
        self._flow = flow
        self._due: set[Org] = set()
        self._reported: dict[str, tuple[str, ...]] = {}

    def changed(self, org: Org) -> None:
        """Read the flags of `org` at the next turn."""
        self._due.add(org)

    async def open(self, org: Org) -> None:
        """Return once the flags of `org` are known. Raises RedisUnavailable."""
        if not self._board.knows(org):
            self._board.set_org(org, await self._read(self._keys.org_flags(org)))

    async def run(self) -> None:
        """Read the flags until cancelled."""
        turn = 0
        while True:
            await asyncio.sleep(READ_S)
            turn += 1
            if turn % READS_PER_POLL == 0:
                self._due |= set(self._registry.orgs())
            try:
                await self._turn()
            except (RealtimeError, RedisError, OSError) as error:
                log.warning("flags.read_failed", cause=str(error))

    def tell(self, connection: Connection) -> None:
        """Tell a socket which of its services are off; end it if everything is."""
        switches = self._board.of(connection.claims.org)
        off = all_off(switches, connection.services)
        connection.send(encode_disabled(off, retry_after_ms=RETRY_AFTER_MS))
        if switches.emergency:
            connection.close(switched_off())
        else:
            self._flow.refresh(connection)

    async def _turn(self) -> None:
        if self._board.set_live(await self._read(self._keys.flags())):
            log.warning("flags.changed", scope="all")
            self._tell_all(self._registry)
        due, self._due = self._due, set()
        for org in due:
            if self._board.set_org(org, await self._read(self._keys.org_flags(org))):
                log.warning("flags.changed", scope=org)
                self._tell_all(self._registry.of_org(org))
        self._board.forget_all_but(set(self._registry.orgs()))

    def _tell_all(self, connections: Iterable[Connection]) -> None:
        for connection in connections:
            self.tell(connection)

    async def _read(self, key: str) -> Switches:
        fields = as_hash(await self._round_trips.call("HGETALL", key))
        read = read_switches({n.decode(): v.decode() for n, v in fields.items()})
        if read.not_understood != self._reported.get(key, ()):
            self._reported[key] = read.not_understood
            log.warning("flags.not_understood", key=key, fields=list(read.not_understood))
        return read.switches
