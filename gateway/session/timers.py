"""Heartbeats, expiry and silence of all sockets, from one timer wheel."""

import asyncio
from typing import Final

from fanwire.core.clock import now_ms, wall_ms
from fanwire.core.keys import Topic
from fanwire.core.position import Position
from fanwire.errors import Unauthorized
from fanwire.wire.encode import encode_heartbeat
from gateway.connection.connection import Connection
from gateway.connection.phases import SessionPhase
from gateway.delivery.hub import Hub
from gateway.delivery.live_feed import LiveFeed
from gateway.session.liveness import LivenessLimits, Pulse, next_pulse_ms, pulse
from gateway.session.timer_wheel import TimerWheel
from gateway.websocket.writer import ping_frame

TICK_MS: Final = 250
"""A beat may be late by it, a sixtieth; four wake-ups a second cost nothing."""

_PING: Final = ping_frame()


class SocketTimers:
    """Owns every time that a socket is waiting for; `run` must be running."""

    def __init__(self, hub: Hub, feed: LiveFeed, limits: LivenessLimits) -> None:
        self._hub = hub
        self._feed = feed
        self._limits = limits
        self._wheel: TimerWheel[Connection] = TimerWheel(now_ms=now_ms(), tick_ms=TICK_MS)

    def due_at(self, connection: Connection, *, at_ms: float) -> None:
        """Look at the connection again at `at_ms`, and not before."""
        connection.due_ms = at_ms
        self._wheel.set(connection, at_ms=at_ms)

    def renew(self, connection: Connection) -> None:
        """Set again when the connection is due, as after a fresh token."""
        at_ms = next_pulse_ms(
            now_ms=now_ms(),
            last_heard_ms=connection.heard_ms,
            token_expires_ms=_expires_ms(connection),
            limits=self._limits,
        )
        self.due_at(connection, at_ms=at_ms)

    def beat(self, connection: Connection) -> None:
        """Send a sign of life, with the heads that moved since the last one."""
        if connection.phase is SessionPhase.JOINING:
            return  # hello comes first, and is a sign of life itself
        # Two beats back: one of them may have come late, and a head that is told twice costs
        # less than one that is never told.
        since_ms = now_ms() - 2 * self._limits.heartbeat_ms - TICK_MS
        moved: dict[str, Position] = {}
        for group in connection.groups:
            held = self._hub.get(Topic(connection.claims.org, group.service))
            # A head may not overtake the batches that lead to it.
            is_written = not connection.writer.waits(group.service)
            if held is not None and held.moved_ms >= since_ms and is_written:
                moved[held.topic.service] = held.position
        stale = now_ms() - self._feed.fresh_ms > self._limits.stale_ms
        connection.send(encode_heartbeat(moved, stale=stale))

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await asyncio.sleep(TICK_MS / 1000)
            for connection in self._wheel.pop_due(now_ms=now_ms()):
                # Set again since, for later: this entry of the wheel no longer counts.
                if connection.due_ms <= now_ms():
                    self._check(connection)

    def _check(self, connection: Connection) -> None:
        if not connection.is_open:
            connection.abort()  # its grace to answer our close is over
            return
        expires_ms = _expires_ms(connection)
        verdict = pulse(
            now_ms=now_ms(),
            last_heard_ms=connection.heard_ms,
            token_expires_ms=expires_ms,
            limits=self._limits,
        )
        match verdict:
            case Pulse.EXPIRED:
                connection.close(Unauthorized("expired on a live socket"))
            case Pulse.SILENT:
                connection.abort()
            case Pulse.BEAT:
                self.beat(connection)
                if connection.is_open:  # the beat may have been too much for it
                    connection.write(_PING)
                    self.renew(connection)


def _expires_ms(connection: Connection) -> float:
    # The wall clock is read each time, so that a clock set right also sets us right.
    return now_ms() + connection.claims.exp_ms - wall_ms()
