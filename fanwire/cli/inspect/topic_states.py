"""Where topics stand, as Redis tells it without asking any process."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Final

from fanwire.cli.inspect.nodes import server_ms
from fanwire.core.camel_case import camel_case
from fanwire.core.ids import Org
from fanwire.core.keys import Keys, Topic

_ASKED_TOGETHER: Final = 200
"""Bounds one pipeline: a few replies of some hundred bytes for each topic."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic: its log, and what is published but not committed."""

    topic: Topic
    position: str | None
    """None before any worker has opened it."""
    log_batches: int
    log_bytes: int
    lag_events: int
    lag_ms: int
    window_ms: int | None
    dead_letters: int

    def as_dict(self) -> dict[str, object]:
        """Return it for `--json`."""
        fields = asdict(self)
        del fields["topic"]
        named = {"org": self.topic.org, "service": self.topic.service}
        return named | {camel_case(name): value for name, value in fields.items()}


def find_topics(client: Any, keys: Keys, org: Org | None = None) -> list[Topic]:
    """Return every topic that was ever published to, in order."""
    pattern = keys.events_pattern(org)
    found = client.scan_iter(pattern, count=1000, _type="stream")
    topics = {keys.parse_events(key.decode(errors="replace")) for key in found}
    return sorted(topic for topic in topics if topic is not None)


def read_states(client: Any, keys: Keys, topics: Sequence[Topic]) -> Iterator[TopicState]:
    """Yield where each topic stands."""
    left = iter(topics)
    while portion := list(islice(left, _ASKED_TOGETHER)):
        now_ms = server_ms(client)
        with client.pipeline(transaction=False) as pipe:
            for topic in portion:
                _ask(pipe, keys, topic)
            replies = iter(pipe.execute())
        for topic in portion:
            yield topic_state(topic, list(islice(replies, 6)), now_ms=now_ms)


def topic_state(topic: Topic, replies: Sequence[Any], *, now_ms: int) -> TopicState:
    """Return what the replies to the questions about a topic amount to."""
    (last, window_ms), batches, log_bytes, waiting, oldest, dead = replies
    lag_ms = now_ms - entry_ms(oldest[0][0]) if oldest else 0
    return TopicState(
        topic,
        position=None if last is None else last.decode(),
        log_batches=batches,
        log_bytes=log_bytes or 0,
        # The worker trims what is committed, exactly: what is there is what waits.
        lag_events=waiting,
        lag_ms=max(lag_ms, 0),
        window_ms=None if window_ms is None else round(float(window_ms)),
        dead_letters=dead,
    )


def entry_ms(entry_id: bytes) -> int:
    """Return when Redis took an entry, by its id."""
    return int(entry_id.partition(b"-")[0])


def texts_of(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    """Return the fields of one of our entries as text."""
    return {name.decode(): value.decode(errors="replace") for name, value in fields.items()}


def _ask(pipe: Any, keys: Keys, topic: Topic) -> None:
    pipe.hmget(keys.topic(topic), "last", "window_ms")
    pipe.xlen(keys.batches(topic))
    pipe.memory_usage(keys.batches(topic))
    pipe.xlen(keys.events(topic))
    pipe.xrange(keys.events(topic), count=1)
    pipe.xlen(keys.dead(topic))
