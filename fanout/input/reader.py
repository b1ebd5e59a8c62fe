"""Reads the events streams of all open topics, from explicit cursors.

Topics are read in groups: a blocked XREAD costs the server a little for each of its streams
at every wake, so one call for all would be slow and one connection each would be many.

A topic that joins must be read at once, not after the block of its group. The blocked read
is cut short by giving up its connection; reading takes nothing away, so a lost reply is
just read again. Joins come in bulk and go to the first group with room, so it is seldom.

Rejected: CLIENT UNBLOCK, which needs administrator rights on the server; a group apart for
newcomers, which ends in the same question when they move.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from fanout.input.read_size import ReadLimits, next_count, topic_max_bytes
from fanout.input.sorter import InputSorter, RawEntry
from fanout.topic.open_topic import OpenTopic
from fanwire.core.clock import now_ms
from shared.redis.owned_connection import OwnedConnection

GROUP_SIZE: Final = 64
"""A wake of a blocked XREAD cost the server 66 µs for 64 streams, 490 µs for 1 024 (measured)."""

BLOCK_MS: Final = 1_000
"""An idle group asks once a second; it must be well below the timeout of the connection."""

TOPIC_MAX_BYTES: Final = 8 * 1024 * 1024
"""128 full batches, more than a turn takes: the rest is safer in Redis than in memory."""

WORKER_MAX_BYTES: Final = 128 * 1024 * 1024
"""An eighth of the 1 GiB that k8s/base grants a worker, since objects weigh several times their
bytes."""

FULL_TOPIC_POLL_MS: Final = 20
"""Below the shortest window, so that a topic that drained is read before its next batch is due."""

ACCEPTED_TOGETHER: Final = 64
"""About a millisecond of work, at 20 µs an event; then others get their turn."""

_FIRST_COUNT: Final = 16
"""A cautious start, at most 1 MiB of each topic; it doubles with each light reply."""


class InputReader:
    """All groups of a term."""

    def __init__(
        self,
        redis: Redis,
        tasks: asyncio.TaskGroup,
        sorter: InputSorter,
        *,
        on_accepted: Callable[[OpenTopic], None],
        on_wrong_type: Callable[[OpenTopic], None],
    ) -> None:
        self._redis = redis
        self._tasks = tasks
        self._sorter = sorter
        self._on_accepted = on_accepted
        self._on_wrong_type = on_wrong_type
        self._groups: list[tuple[ReadGroup, asyncio.Task[None]]] = []

    def join(self, topics: Sequence[OpenTopic]) -> None:
        """Read these topics as well, from now on until they are closed."""
        waiting = list(topics)
        for group, _ in self._groups:
            if not waiting:
                return
            if room := group.room():
                group.join(waiting[:room])
                del waiting[:room]
        while waiting:
            self._start_group().join(waiting[:GROUP_SIZE])
            del waiting[:GROUP_SIZE]

    def _share_bytes(self) -> int:
        return WORKER_MAX_BYTES // len(self._groups)

    def stop(self) -> None:
        """Read no more."""
        for _, task in self._groups:
            task.cancel()

    def _start_group(self) -> "ReadGroup":
        group = ReadGroup(
            self._redis,
            self._sorter,
            share_bytes=self._share_bytes,
            on_accepted=self._on_accepted,
            on_wrong_type=self._on_wrong_type,
        )
        self._groups.append((group, self._tasks.create_task(group.run())))
        return group


class ReadGroup:
    """Up to GROUP_SIZE topics that are read by one call."""

    def __init__(
        self,
        redis: Redis,
        sorter: InputSorter,
        *,
        share_bytes: Callable[[], int],
        on_accepted: Callable[[OpenTopic], None],
        on_wrong_type: Callable[[OpenTopic], None],
    ) -> None:
        self._redis = redis
        self._sorter = sorter
        self._share_bytes = share_bytes
        self._on_accepted = on_accepted
        self._on_wrong_type = on_wrong_type
        self._members: list[OpenTopic] = []
        self._count = _FIRST_COUNT
        self._connection: OwnedConnection | None = None
        self._reading: asyncio.Timeout | None = None
        self._joined = asyncio.Event()

    def room(self) -> int:
        """Return how many topics can join."""
        self._members = [topic for topic in self._members if not topic.is_closed]
        return GROUP_SIZE - len(self._members)

    def join(self, topics: Sequence[OpenTopic]) -> None:
        """Add topics, and read them at once."""
        self._members.extend(topics)
        self._joined.set()
        if self._reading is not None:
            reading, self._reading = self._reading, None
            reading.reschedule(asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            if self._connection is None:
                self._connection = await OwnedConnection.open(self._redis)
            topics = self._readable()
            if not topics:
                await self._wait_for_topics()
                continue
            try:
                streams = await self._read(self._connection, topics)
            except ResponseError as error:
                await self._find_wrong_type(self._connection, topics, error)
                continue
            reply_bytes = await self._accept_all(
                [(topic, streams.get(topic.keys.events.encode(), ())) for topic in topics]
            )
            self._count = next_count(self._count, reply_bytes=reply_bytes, limits=ReadLimits())

    def _readable(self) -> list[OpenTopic]:
        self._members = [t for t in self._members if not (t.is_closed or t.is_leaving)]
        held = [(topic, topic.uncommitted_bytes) for topic in self._members]
        max_bytes = topic_max_bytes(
            sum(held_bytes for _, held_bytes in held),
            share_bytes=self._share_bytes(),
            member_count=len(held),
            most=TOPIC_MAX_BYTES,
        )
        for topic, held_bytes in held:
            if held_bytes >= max_bytes:
                self._sorter.left_out(topic)
        return [topic for topic, held_bytes in held if held_bytes < max_bytes]

    async def _wait_for_topics(self) -> None:
        if self._members:
            await asyncio.sleep(FULL_TOPIC_POLL_MS / 1000)
            return
        self._joined.clear()
        await self._joined.wait()

    async def _read(
        self, connection: OwnedConnection, topics: Sequence[OpenTopic]
    ) -> dict[bytes, list[RawEntry]]:
        # A topic that is left out because it is full must come back soon after it drained.
        block_ms = BLOCK_MS if len(topics) == len(self._members) else FULL_TOPIC_POLL_MS
        keys = [topic.keys.events for topic in topics]
        cursors = [topic.read_cursor for topic in topics]
        call: tuple[Any, ...] = ("XREAD", "COUNT", self._count, "BLOCK", block_ms, "STREAMS")
        try:
            async with asyncio.timeout(None) as self._reading:
                return await connection.call(*call, *keys, *cursors) or {}
        except TimeoutError:
            self._connection = None
            return {}
        finally:
            self._reading = None

    async def _accept_all(self, read: Sequence[tuple[OpenTopic, Sequence[RawEntry]]]) -> int:
        # In turns: a topic with one entry must not wait until the floods beside it are taken in.
        size_bytes = start = 0
        while read := [(topic, entries) for topic, entries in read if len(entries) > start]:
            for topic, entries in read:
                size_bytes += self._accept(topic, entries[start : start + ACCEPTED_TOGETHER])
                # Commits and lease renewals have their turn between chunks.
                await asyncio.sleep(0)
            start += ACCEPTED_TOGETHER
        return size_bytes

    def _accept(self, topic: OpenTopic, chunk: Sequence[RawEntry]) -> int:
        if topic.is_closed or topic.is_leaving:
            return 0
        self._sorter.accept(topic, chunk, now_ms=now_ms())
        self._on_accepted(topic)
        return sum(sum(map(len, flat)) for _, flat in chunk)

    async def _find_wrong_type(
        self, connection: OwnedConnection, topics: Sequence[OpenTopic], error: ResponseError
    ) -> None:
        kinds = await connection.call_all([("TYPE", topic.keys.events) for topic in topics])
        wrong = [
            topic
            for topic, kind in zip(topics, kinds, strict=True)
            if kind not in (b"stream", b"none")
        ]
        if not wrong:
            raise error
        for topic in wrong:
            self._on_wrong_type(topic)
