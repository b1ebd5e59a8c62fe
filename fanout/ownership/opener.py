"""Opens the topics of held partitions: where they stand, and what their log tells.

Opening does not check the lease. Two workers may open the same topic; the cursor lets only
one of them commit, and the other opens it again.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from redis.exceptions import ResponseError

from fanout.input.gaps import gap_letter
from fanout.replay.log import restore
from fanout.topic.limits import TopicLimits
from fanout.topic.open_topic import CommittedState, OpenTopic, topic_keys
from fanout.topic.refusals import Refusal, refusal_of
from fanout.topic.topic_table import TopicTable
from fanwire.core.clock import now_ms
from fanwire.core.keys import Keys, Topic
from fanwire.core.position import parse_position
from shared.logs import logger
from shared.redis.error_reply import error_text
from shared.redis.owned_connection import OwnedConnection, script_call
from shared.redis.scripts import Script

log = logger()

OPEN_TOPIC: Final = Script("open_topic")

OPENED_TOGETHER: Final = 128
"""Bounds the replies of one pipelined call: 128 topics with the first page of their logs."""


class Opener:
    """Opens what the topic table wants open."""

    def __init__(
        self,
        connection: OwnedConnection,
        limits: TopicLimits,
        *,
        keys: Keys,
        topic_table: TopicTable,
        known_epochs: dict[Topic, int],
        on_opened: Callable[[Sequence[OpenTopic]], Awaitable[None]],
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._topic_table = topic_table
        self._limits = limits
        self._known_epochs = known_epochs
        self._on_opened = on_opened

    async def run(self) -> None:
        """Open topics until cancelled."""
        while True:
            wanted = await self._topic_table.pop_unopened(limit=OPENED_TOGETHER)
            opened = await self._open(wanted)
            await restore(self._connection, opened)
            admitted = [topic for topic in opened if self._topic_table.admit(topic)]
            for topic in admitted:
                self._known_epochs[topic.topic] = topic.standing.epoch
                log.debug("topic.opened", topic=str(topic.topic), **topic.standing._asdict())
            await self._on_opened(admitted)

    async def _open(self, topics: Sequence[Topic]) -> list[OpenTopic]:
        replies = await self._connection.call_all([self._call(topic) for topic in topics])
        opened = []
        for topic, reply in zip(topics, replies, strict=True):
            if isinstance(reply, ResponseError):
                self._refused(topic, reply)
            else:
                opened.append(self._opened(topic, reply))
        return opened

    def _call(self, topic: Topic) -> Any:
        known_epoch = self._known_epochs.get(topic, "")
        keys = topic_keys(self._keys, topic)
        return script_call(OPEN_TOPIC, (keys.topic, keys.batches, keys.events), (known_epoch,))

    def _refused(self, topic: Topic, error: ResponseError) -> None:
        text = error_text(error)
        if refusal_of(text) is Refusal.SERVER:
            raise error
        log.error("topic.set_aside", topic=str(topic), why=text)
        self._topic_table.set_aside(topic, now_ms=now_ms())

    def _opened(self, topic: Topic, reply: Sequence[bytes]) -> OpenTopic:
        standing, removed = opened_state(reply)
        passed, standing = standing.passed, standing._replace(passed=removed)
        keys = topic_keys(self._keys, topic)
        opened = OpenTopic(topic, keys, standing, self._limits, taken_at_ms=now_ms())
        if removed != passed:
            cursor = standing.cursor
            log.error("topic.input_gap", topic=str(topic), entries=removed - passed, cursor=cursor)
            letter = gap_letter(cursor, passed=passed, removed=removed)
            opened.batches.mark_gap(letter, count=max(removed - passed, 1), now_ms=now_ms())
        return opened


def opened_state(reply: Sequence[bytes]) -> tuple[CommittedState, int]:
    """Return where a topic stands, and how many entries have left its events stream."""
    epoch, seq, cursor, last, window_ms, passed, removed = (part.decode() for part in reply)
    standing = CommittedState(
        epoch=int(epoch),
        seq=int(seq),
        cursor=cursor,
        last=parse_position(last),
        window_ms=float(window_ms) if window_ms else None,
        passed=int(passed),
    )
    return standing, int(removed)
