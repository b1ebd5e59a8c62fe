"""Watches over the sockets that lag, and decides what each gets less of.

Only sockets that lag are looked at, once a second; one that keeps up costs nothing here. What
is withheld and how it comes back is in withholding.py beside it, when in quarantine.py.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Final

from fanwire.core.clock import now_ms, wall_ms
from fanwire.core.ids import Service
from fanwire.core.position import Position
from fanwire.core.tiers import Tier, Tiers
from fanwire.errors import SlowConsumer
from fanwire.wire.encode import encode_disabled, encode_quarantine
from gateway.connection.connection import Connection
from gateway.flow_control.acks import ack_lag_ms
from gateway.flow_control.counters import DroppedFor, EvictedFor, FlowCounters, WithheldFor
from gateway.flow_control.quarantine import (
    Cleared,
    Conflate,
    Entered,
    Quarantine,
    QuarantineLimits,
    SocketLoad,
)
from gateway.flow_control.socket_flow import NOTHING_SHED, forget, shed, shed_of
from gateway.flow_control.switches import RETRY_AFTER_MS
from gateway.flow_control.withholding import Withholding
from shared.logs import logger

log = logger()

CHECK_S: Final = 1.0

ACK_LAG_COUNTS_MS: Final = 2_500
"""Two acks, which come a second apart, and half of one for the way."""

_TIERS_BY_WORTH: Final = tuple(Tier)


class FlowMonitor:
    """The quarantines of this gateway; `run` must be running."""

    def __init__(
        self,
        withholding: Withholding,
        tiers: Tiers,
        limits: QuarantineLimits,
        counters: FlowCounters,
    ) -> None:
        self.withholding = withholding
        self._tiers = tiers
        self._limits = limits
        self._watched: dict[Connection, Quarantine] = {}
        self._ack_lags: dict[Connection, tuple[float, float]] = {}
        self._told: dict[Connection, set[Service]] = {}
        self.counters = counters

    @property
    def watched_count(self) -> int:
        """Return how many sockets are looked at: they lag, or did so lately."""
        return len(self._watched)

    @property
    def quarantined_count(self) -> int:
        """Return how many sockets are in quarantine now."""
        return sum(1 for quarantine in self._watched.values() if quarantine.shed)

    def quarantined(self) -> Counter[Tier]:
        """Return from how many sockets each tier is withheld by a quarantine now."""
        watched = list(self._watched.values())  # a copy: metrics are read in another thread
        return Counter(tier for quarantine in watched for tier in quarantine.shed)

    def lane_bytes(self) -> Counter[Tier | None]:
        """Return what waits in all lanes, by tier; None is for control frames."""
        waiting: Counter[Tier | None] = Counter()
        for connection in list(self._watched):
            if (lanes := connection.writer.lanes) is not None:
                waiting.update(lanes.bytes_by_tier)
        return waiting

    async def run(self) -> None:
        """Check the watched sockets until cancelled."""
        while True:
            await asyncio.sleep(CHECK_S)
            await self.check_all()

    async def check_all(self) -> None:
        """Check every watched socket once."""
        for connection, quarantine in list(self._watched.items()):
            if connection in self._watched:
                self._check(connection, quarantine)
                # Conflation costs a millisecond, and hundreds may lag: the others come between.
                await asyncio.sleep(0)

    def watch(self, connection: Connection) -> None:
        """Look at a socket that fell behind or whose acks lag."""
        if connection.is_open and connection not in self._watched:
            self._watched[connection] = Quarantine(self._limits)

    def forget(self, connection: Connection) -> None:
        """Stop watching a socket that ended."""
        quarantine = self._watched.pop(connection, None)
        if quarantine is not None and quarantine.shed:
            after_ms = quarantine.spell_so_far_ms(now_ms=now_ms())
            self.counters.ended(quarantine.shed, after_ms=after_ms)
        self._ack_lags.pop(connection, None)
        self._told.pop(connection, None)
        forget(connection)

    def acked(self, connection: Connection, positions: Mapping[Service, Position]) -> None:
        """Take note of how far a socket's acks lag. Raises BadMessage if they cannot be true."""
        lag_ms = ack_lag_ms(connection, positions, self.withholding.hub)
        if lag_ms > self._limits.ack_lag_ms:
            self._ack_lags[connection] = (lag_ms, now_ms())
            self.watch(connection)
        else:
            self._ack_lags.pop(connection, None)

    def overrun(self, connection: Connection, *, hard_limit_bytes: int) -> None:
        """Make room: a socket that reads gets the rest by catch-up; one that does not gets less.

        A burst can be more than the limit before anybody could have read any of it. A socket
        that is stuck is shed tier by tier, and closed if all that waits is critical or high.
        """
        self.watch(connection)
        if _stuck_ms(connection) <= self._limits.age_ms:
            self._spill(connection, down_to_bytes=hard_limit_bytes // 2)
        # Telling of a quarantine takes room as well, so this may call itself, and find it ended.
        while (
            connection.writer.lanes is not None
            and connection.writer.lanes.used_bytes > hard_limit_bytes
        ):
            entered = self._watched[connection].overrun(now_ms=now_ms())
            if entered is None:
                self._evict(connection, EvictedFor.OVERRUN)
                return
            self._enter_quarantine(connection, entered)

    def remind(self, connection: Connection) -> None:
        """Tell a socket what it does not get, as when it asks for a service again."""
        off = self.withholding.switched_off(connection)
        if off:
            connection.send(encode_disabled(off, retry_after_ms=RETRY_AFTER_MS))
        quarantine = self._watched.get(connection)
        if quarantine is not None and quarantine.shed:
            self._notify_entered(connection, until_ms=quarantine.until_ms)

    def _spill(self, connection: Connection, *, down_to_bytes: int) -> None:
        """Leave to the log what waits of the least important services; it follows at once."""
        for service in sorted(connection.subscription.services, key=self._worth):
            if (
                connection.writer.lanes is None
                or connection.writer.lanes.used_bytes <= down_to_bytes
            ):
                break
            if connection.writer.waits(service):
                self.withholding.withhold(connection, service, WithheldFor.BURST)
        self.withholding.refresh(connection)

    def _worth(self, service: Service) -> int:
        return -_TIERS_BY_WORTH.index(self._tiers.of(service))

    def _evict(self, connection: Connection, why: EvictedFor) -> None:
        unsent_bytes = connection.writer.unsent_bytes
        log.info("socket.evicted", connection=connection.id, unsent_bytes=unsent_bytes, why=why)
        self.counters.evicted[why] += 1
        # The close overtakes the batches that wait: a reader that is slow may still get it, and
        # one that takes nothing is dropped at the end of the grace.
        connection.close(SlowConsumer(f"{unsent_bytes} bytes were unsent"))

    def _check(self, connection: Connection, quarantine: Quarantine) -> None:
        if _stuck_ms(connection) > self._limits.longest_spell_ms:
            # Who talks and does not read would hold its place for ever.
            self._evict(connection, EvictedFor.STUCK)
            return
        verdict = quarantine.check(self._load(connection), now_ms=now_ms())
        match verdict:
            case Entered():
                self._enter_quarantine(connection, verdict)
            case Cleared():
                self.counters.cleared(shed_of(connection), after_ms=verdict.after_ms)
                shed(connection, NOTHING_SHED)
                self._notify_cleared(connection)
                self.withholding.refresh(connection)
            case Conflate() if connection.writer.lanes is not None:
                left_out = connection.writer.lanes.conflate(verdict.tier)
                self.counters.events_dropped[verdict.tier, DroppedFor.CONFLATED] += left_out
            case _:
                if not connection.writer.is_behind and quarantine.is_idle(now_ms=now_ms()):
                    del self._watched[connection]

    def _enter_quarantine(self, connection: Connection, entered: Entered) -> None:
        self.counters.entered(entered.shed - shed_of(connection))
        shed(connection, entered.shed)
        self.withholding.refresh(connection)
        self._notify_entered(connection, until_ms=entered.until_ms)

    def _load(self, connection: Connection) -> SocketLoad:
        return SocketLoad(
            backlog_bytes=connection.writer.unsent_bytes,
            oldest_age_ms=_oldest_age_ms(connection),
            ack_lag_ms=self._read_ack_lag_ms(connection),
        )

    def _read_ack_lag_ms(self, connection: Connection) -> float:
        lag_ms, noted_ms = self._ack_lags.get(connection, (0.0, 0.0))
        if now_ms() - noted_ms > ACK_LAG_COUNTS_MS:
            # A socket that gets nothing has nothing to ack: an old lag must not count for ever.
            self._ack_lags.pop(connection, None)
            return 0.0
        return lag_ms

    def _notify_entered(self, connection: Connection, *, until_ms: float) -> None:
        services = sorted(
            s for s in connection.subscription.services if self._tiers.of(s) in shed_of(connection)
        )
        log.info("quarantine.entered", connection=connection.id, services=services)
        if services:
            # Before it is sent: that may end the socket, which forgets what it was told.
            self._told.setdefault(connection, set()).update(services)
            until_wall_ms = int(wall_ms() + until_ms - now_ms())
            connection.send(encode_quarantine(services, until_ms=until_wall_ms))

    def _notify_cleared(self, connection: Connection) -> None:
        # Also of services that it has left since: its client may still think them withheld.
        services = sorted(self._told.pop(connection, ()))
        log.info("quarantine.cleared", connection=connection.id, services=services)
        if services:
            connection.send(encode_quarantine(services))


def _oldest_age_ms(connection: Connection) -> float:
    lanes = connection.writer.lanes
    oldest_ms = None if lanes is None else lanes.oldest_ms()
    in_lanes_ms = 0.0 if oldest_ms is None else now_ms() - oldest_ms
    return max(in_lanes_ms, _stuck_ms(connection))


def _stuck_ms(connection: Connection) -> float:
    """Return for how long the transport has not got rid of what it was given last."""
    return now_ms() - connection.writer.pushed_ms if connection.writer.is_behind else 0.0
