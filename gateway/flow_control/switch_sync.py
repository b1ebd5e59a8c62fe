"""Follows the live switches and tells the sockets that they concern.

`flags` is one small hash for the whole deployment and is simply read twice a second, so that an
emergency needs no channel to work. `flags:{org}` is read when the org's bell says so, and by a
slow poll. When Redis cannot be read, the last state stays.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from redis.exceptions import RedisError

from fanwire.core.ids import Org
from fanwire.core.keys import Keys
from fanwire.core.switches import Switches, all_off, read_switches
from fanwire.errors import RealtimeError
from fanwire.wire.encode import encode_disabled
from gateway.connection.connection import Connection
from gateway.connection.phases import SessionPhase
from gateway.connection.registry import ConnectionRegistry
from gateway.flow_control.switches import RETRY_AFTER_MS, LiveSwitches, switched_off
from gateway.flow_control.withholding import Withholding
from shared.logs import logger
from shared.redis.client import as_hash
from shared.redis.pipelined import PipelinedRedis, WrongType

log = logger()

READ_S: Final = 0.5
"""An emergency reaches every node within a second (docs/flow_control.md)."""

READS_PER_POLL: Final = 10
"""Five seconds, for a ring that was lost."""

TOLD_AT_ONCE: Final = 100
"""About a millisecond of encoding and writing; then others get their turn."""


class SwitchSync:
    """Keeps the switchboard fresh; `run` must be running."""

    def __init__(
        self,
        redis: PipelinedRedis,
        keys: Keys,
        registry: ConnectionRegistry,
        board: LiveSwitches,
        withholding: Withholding,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._registry = registry
        self._board = board
        self._withholding = withholding
        self._due: set[Org] = set()
        self._reported: dict[str, tuple[str, ...]] = {}
        self._is_live_known = False

    def changed(self, org: Org) -> None:
        """Read the flags of `org` at the next turn."""
        self._due.add(org)

    async def open(self, org: Org) -> None:
        """Return once the flags that concern `org` are known. Raises RedisUnavailable."""
        if not self._is_live_known:
            self._set_live(await self._read(self._keys.flags()))
        if not self._board.knows(org):
            self._board.set_org(org, await self._read(self._keys.org_flags(org)))

    async def run(self) -> None:
        """Read the flags until cancelled."""
        turn = 0
        while True:
            await asyncio.sleep(READ_S)
            turn += 1
            orgs = self._registry.orgs()
            # One that is not known was forgotten between its opening and its first socket.
            self._due |= {o for o in orgs if turn % READS_PER_POLL == 0 or not self._board.knows(o)}
            try:
                await self._turn()
            except (RealtimeError, RedisError, OSError) as error:
                log.warning("flags.read_failed", cause=str(error))

    def tell(self, connection: Connection) -> None:
        """Tell a socket which of its services are off; end it if everything is."""
        switches = self._board.of(connection.claims.org)
        if connection.phase is not SessionPhase.JOINING:  # else its hello will tell
            off = all_off(switches, connection.subscription.services)
            connection.send(encode_disabled(off, retry_after_ms=RETRY_AFTER_MS))
        if switches.emergency:
            connection.close(switched_off())
        else:
            self._withholding.refresh(connection)

    async def _turn(self) -> None:
        before = self._all_known()
        if self._set_live(await self._read(self._keys.flags())):
            log.warning("flags.changed", scope="all", **_off(self._board.live))
            await self._notify_changed(self._registry, before)
        for org in list(self._due):
            before = self._all_known()
            switches = await self._read(self._keys.org_flags(org))
            changed = self._board.set_org(org, switches)
            # Only now: what could not be read stays due.
            self._due.discard(org)
            if changed:
                log.warning("flags.changed", scope=org, **_off(switches))
                await self._notify_changed(self._registry.of_org(org), before)
        self._board.forget_all_but(set(self._registry.orgs()))

    def _set_live(self, switches: Switches) -> bool:
        self._is_live_known = True
        return self._board.set_live(switches)

    def _all_known(self) -> dict[Org, Switches]:
        return {org: self._board.of(org) for org in self._registry.orgs()}

    async def _notify_changed(
        self, connections: Iterable[Connection], before: Mapping[Org, Switches]
    ) -> None:
        for count, connection in enumerate(connections, 1):
            if connection.is_open and self._concerns(connection, before):
                self.tell(connection)
            if count % TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _concerns(self, connection: Connection, before: Mapping[Org, Switches]) -> bool:
        old = before.get(connection.claims.org, Switches())
        new = self._board.of(connection.claims.org)
        services = connection.subscription.services
        return old.emergency != new.emergency or all_off(old, services) != all_off(new, services)

    async def _read(self, key: str) -> Switches:
        try:
            fields = as_hash(await self._redis.call("HGETALL", key))
        except WrongType as error:
            # Somebody's mistake, like a field that says nothing: it must not stop anything.
            log.error("flags.unreadable", key=key, cause=str(error))
            return Switches()
        read = read_switches({_text(name): _text(value) for name, value in fields.items()})
        if read.not_understood != self._reported.get(key, ()):
            self._reported[key] = read.not_understood
            log.warning("flags.not_understood", key=key, fields=list(read.not_understood))
        return read.switches


def _off(switches: Switches) -> dict[str, object]:
    # What was understood: a service that is spelled wrong, but could be one, shows here.
    return {"emergency": switches.emergency, "services": sorted(switches.services)}


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
