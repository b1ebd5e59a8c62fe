"""Brings one socket from an old position of a topic to the live stream, without a hole.

What it lacks is written piece by piece, at the pace at which the socket takes it. As soon as
the rest lies in memory it is written and the socket joins the audience, with no `await` in
between: nothing can be delivered live before it or be missed after it.

Rejected: to register first, hold live batches back in a buffer, and merge. The buffer needs a
bound and an answer to its overflow; here the log itself is the buffer.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from fanwire.core.clock import now_ms
from fanwire.core.keys import Topic
from fanwire.core.position import Position
from fanwire.core.property_filter import PropertyFilter, effective_filter
from fanwire.wire.encode import encode_heartbeat, encode_reset
from gateway.connection.connection import Connection
from gateway.connection.lanes import ReplayPoint
from gateway.delivery.chain import ChainLink, ResetReason, link, reset_reason
from gateway.delivery.cutting import BatchRun, cut
from gateway.delivery.hub import HeldTopic
from gateway.delivery.live_feed import LiveFeed
from gateway.delivery.log_entry import LogEntry
from gateway.delivery.replay_log import ReplayLog

PACE_S: Final = 0.02
"""A poll that thousands can afford, and shorter than the shortest window."""

AHEAD_S: Final = 5.0
"""A gateway sweeps every 5 s (GATEWAY_SWEEP_MS): what it does not know by then, it will not."""

ENTRIES_PER_PIECE: Final = 16
"""A megabyte of full batches, as much as the lanes of a socket hold."""

READS_AT_ONCE: Final = 64
"""Of all catch-ups: when thousands begin together, their pieces must not fill the memory."""


@dataclass(eq=False, slots=True)
class CatchUp:
    """One socket's way through one topic's log."""

    connection: Connection
    held: HeldTopic
    at: Position
    """Everything up to here was written."""
    served: Position
    """What the next frame names as predecessor; behind `at` where a filter let nothing through."""
    is_slow: bool = False
    """Whether its socket was behind at the end of the last piece; the next is a single batch."""
    ahead_s: float = 0.0
    """How long the client has been ahead of this gateway."""


class CatchUps:
    """The catch-ups under way; a socket has at most one for each topic."""

    def __init__(self, feed: LiveFeed, replay_log: ReplayLog) -> None:
        self._feed = feed
        self._log = replay_log
        self._current: dict[tuple[Connection, Topic], CatchUp] = {}
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    def __len__(self) -> int:
        return len(self._current)

    def start(self, connection: Connection, held: HeldTopic, place: ReplayPoint) -> CatchUp:
        """Begin at `place`, instead of any catch-up of the same topic; `run` must follow."""
        catch_up = CatchUp(connection, held, at=place.at, served=place.served)
        held.arriving_count += 1
        held.furthest = max(held.furthest, place.at)
        self._current[connection, held.topic] = catch_up
        return catch_up

    def is_under_way(self, connection: Connection, topic: Topic) -> bool:
        """Tell whether a catch-up brings the socket to this topic."""
        return (connection, topic) in self._current

    def stop(self, connection: Connection, topic: Topic) -> ReplayPoint | None:
        """Write no more of a topic; return how far its catch-up was, if there was one."""
        catch_up = self._current.pop((connection, topic), None)
        return None if catch_up is None else ReplayPoint(catch_up.at, catch_up.served)

    async def run(self, catch_up: CatchUp) -> None:
        """Go on until the socket is live, or has left the topic. Raises RedisUnavailable."""
        try:
            while await self._may_write(catch_up) and not self._finish(catch_up):
                if catch_up.at > catch_up.held.position:
                    await self._wait_for_feed(catch_up)
                else:
                    await self._write_piece(catch_up)
        finally:
            catch_up.held.arriving_count -= 1
            if self._is_current(catch_up):
                self.stop(catch_up.connection, catch_up.held.topic)

    async def _wait_for_feed(self, catch_up: CatchUp) -> None:
        # The client comes from a gateway that was ahead of this one, or saw what a failover
        # has taken back since it was let in.
        if catch_up.ahead_s > AHEAD_S:
            _reset(catch_up, ResetReason.ROLLED_BACK)
        self._feed.mark(catch_up.held.topic)
        catch_up.ahead_s += PACE_S
        await asyncio.sleep(PACE_S)

    async def _write_piece(self, catch_up: CatchUp) -> None:
        topic = catch_up.held.topic
        count = 1 if catch_up.is_slow else ENTRIES_PER_PIECE
        async with self._reads:
            entries = await self._log.after(topic, catch_up.at, count=count)
        if not self._is_current(catch_up):
            return
        if not entries and catch_up.at < catch_up.held.position:
            _reset(catch_up, ResetReason.EXPIRED)
        if catch_up.connection.writer.is_behind:
            # It may not read for minutes, and thousands like it: what is held has to be little.
            # The rest is read again.
            del entries[1:]
        for entry in entries:
            if not await self._may_write(catch_up) or not self._accept(catch_up, entry):
                break
            if catch_up.connection.writer.is_behind:
                break
        catch_up.is_slow = catch_up.connection.writer.is_behind

    async def _may_write(self, catch_up: CatchUp) -> bool:
        """Wait until the socket takes more; return False if it wants no more of the topic."""
        # Behind perhaps through another topic's catch-up: together they could overrun a socket
        # that each of them spares. A poll, not an event: a slot for one in each connection
        # would cost more than this does.
        while catch_up.connection.writer.is_behind and catch_up.connection.is_open:  # noqa: ASYNC110
            await asyncio.sleep(PACE_S)
        return catch_up.connection.is_open and self._is_current(catch_up)

    def _is_current(self, catch_up: CatchUp) -> bool:
        return self._current.get((catch_up.connection, catch_up.held.topic)) is catch_up

    def _finish(self, catch_up: CatchUp) -> bool:
        held = catch_up.held
        rest = [] if catch_up.at == held.position else held.tail.after(catch_up.at)
        if rest is None:
            return False
        if rest:
            _write(catch_up, rest)
        self._go_live(catch_up)
        return True

    def _accept(self, catch_up: CatchUp, entry: LogEntry) -> bool:
        if link(catch_up.at, entry) is not ChainLink.NEXT:
            _reset(catch_up, reset_reason(catch_up.at, entry))
            return False
        if entry.position > catch_up.held.position:
            return False  # it will come live
        _write(catch_up, [entry])
        return True

    def _go_live(self, catch_up: CatchUp) -> None:
        connection, held = catch_up.connection, catch_up.held
        if catch_up.served != held.position:
            # The last batches passed the filter by; the audience's next one may name any of
            # them as its predecessor.
            connection.send(encode_heartbeat({held.topic.service: held.position}))
        held.join(connection, wanted_by(connection))
        connection.caught_up_ms = now_ms()


def wanted_by(connection: Connection) -> PropertyFilter:
    """Return which properties a socket sees: what its token allows, narrowed to its choice."""
    return effective_filter(connection.claims.properties, connection.subscription.property_id)


def _write(catch_up: CatchUp, entries: list[LogEntry]) -> None:
    run = BatchRun.of(catch_up.held.topic.service, entries)
    result = cut(run, wanted_by(catch_up.connection), served=catch_up.served)
    catch_up.at = entries[-1].position
    catch_up.served = result.served
    if result.frames and catch_up.connection.is_open:
        catch_up.connection.write(result.frames)


def _reset(catch_up: CatchUp, reason: ResetReason) -> None:
    head = catch_up.held.position
    catch_up.at = catch_up.served = head
    service = catch_up.held.topic.service
    catch_up.connection.send(encode_reset(service=service, reason=reason, position=head))
