"""The steps of publishing, told apart from who performs them.

A plan is a generator: it yields what to send or how long to pause, and is given the replies.
The sync and the async publisher perform the same plan, so there is one place for the order,
the retries and the meaning of each reply.

Events are sent again after a lost connection, since it is unknown whether they arrived; they
carry ids, so a worker drops those that did.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, get_args

from fanwire.core.backoff import BackoffLimits
from fanwire.core.keys import Keys, Topic
from fanwire.errors import NotReplicated, RealtimeError, Unreachable, shortened
from fanwire.publish.high_water import HighWater, HighWaterLimits
from fanwire.publish.new_event import Outgoing

Command = tuple[str | bytes | int, ...]
Level = Literal["mem", "repl"]

CHUNK_COUNT: Final = 500
"""How many events one round trip carries."""


@dataclass(frozen=True, slots=True)
class PublishLimits:
    """What counts as published, and how long to try."""

    level: Level = "mem"
    """`mem`: the primary has it. `repl`: `replicas` copies confirmed it, too."""
    replicas: int = 1
    replication_ms: int = 1000
    """A replica that needs longer is in trouble, and the caller should know."""
    attempts: int = 4
    """With the waits below, about half a second: a failover takes longer, and is the caller's to
    sit out."""
    backoff: BackoffLimits = field(default_factory=lambda: BackoffLimits(100, 2000))
    """Shorter than a client's: there are few publishers, and each has a caller who waits."""
    high_water: HighWaterLimits = field(default_factory=HighWaterLimits)

    def __post_init__(self) -> None:
        if self.level not in get_args(Level):
            levels = ", ".join(get_args(Level))
            raise ValueError(f"level {shortened(self.level)} is not one of: {levels}")
        if min(self.replicas, self.attempts) < 1:
            raise ValueError("at least one replica and one attempt are needed")


class Send(NamedTuple):
    """Commands for one round trip, all on the same connection."""

    commands: tuple[Command, ...]


class Pause(NamedTuple):
    """A wait before the next try, whose length `attempt` and chance decide."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Published:
    """The end of a plan: the entry ids, in the order of the events."""

    entry_ids: list[str]


Reply = object
Plan = Generator[Send | Pause, Sequence[Reply], list[str]]


class PublishPlans:
    """Makes the plan of each publication, and remembers how full the topics are."""

    def __init__(self, keys: Keys, limits: PublishLimits) -> None:
        self._keys = keys
        self._limits = limits
        self._high_water = HighWater(limits.high_water)

    def publish(self, events: Sequence[Outgoing], *, now_ms: float) -> Plan:
        """Return the plan that publishes `events` in order and yields their entry ids.

        The replies given back are values, or a RealtimeError in place of each command that
        failed; a lost connection is thrown in as Unreachable. The error that it raises says which
        events were written.
        """
        topics = [event.topic for event in events]
        yield from self._check_high_water(topics, now_ms=now_ms)
        adding = Send(tuple(self._commands(events)))
        replies = yield from self._with_retries(adding, event_count=len(events))
        entry_ids = [_text(reply) for reply in replies[: len(events)]]
        if self._limits.level == "repl":
            self._check_replicas(replies[-1], events, entry_ids)
        return entry_ids

    def _commands(self, events: Sequence[Outgoing]) -> Generator[Command]:
        for event in events:
            pairs = (part for pair in event.fields.items() for part in pair)
            yield ("XADD", self._keys.events(event.topic), "*", *pairs)
        if self._limits.level == "repl":
            # WAIT speaks for the writes of its own connection only, so it rides along.
            yield ("WAIT", self._limits.replicas, self._limits.replication_ms)

    def _check_high_water(
        self, topics: Sequence[Topic], *, now_ms: float
    ) -> Generator[Send | Pause, Sequence[Reply], None]:
        asked = self._high_water.unknown(topics, now_ms=now_ms)
        if asked:
            lengths = Send(tuple(("XLEN", self._keys.events(topic)) for topic in asked))
            for topic, length in zip(asked, (yield from self._with_retries(lengths)), strict=True):
                assert isinstance(length, int)
                self._high_water.learn(topic, length, now_ms=now_ms)
        self._high_water.check(topics)

    def _with_retries(
        self, send: Send, *, event_count: int = 0
    ) -> Generator[Send | Pause, Sequence[Reply], Sequence[Reply]]:
        for attempt in range(self._limits.attempts):
            try:
                replies = yield send
                _raise_first_failure(replies, event_count)
            except Unreachable:
                if attempt + 1 == self._limits.attempts:
                    raise
                yield Pause(attempt)
            else:
                return replies
        raise AssertionError("at least one attempt")

    def _check_replicas(
        self, confirmed: Reply, events: Sequence[Outgoing], entry_ids: Sequence[str]
    ) -> None:
        assert isinstance(confirmed, int)
        if confirmed < self._limits.replicas:
            ids = ", ".join(event.event_id for event in events[:3])
            error = NotReplicated(
                f"{confirmed} of {self._limits.replicas} replicas confirmed within "
                f"{self._limits.replication_ms} ms: eventId {ids}{' …' if len(events) > 3 else ''}"
            )
            error.entry_ids = entry_ids
            raise error


def advance(
    plan: Plan, outcome: Sequence[Reply] | RealtimeError | None
) -> Send | Pause | Published:
    """Tell `plan` what its last step led to, and return what comes next.

    `None` starts the plan. Here, not in the publishers: a StopIteration must not cross a
    coroutine, and a plan that ends is a value to both of them.
    """
    try:
        if outcome is None:
            return next(plan)
        if isinstance(outcome, RealtimeError):
            return plan.throw(outcome)
        return plan.send(outcome)
    except StopIteration as end:
        return Published(end.value)


def _raise_first_failure(replies: Sequence[Reply], event_count: int) -> None:
    for reply in replies:
        if isinstance(reply, RealtimeError):
            reply.entry_ids = [
                None if isinstance(each, RealtimeError) else _text(each)
                for each in replies[:event_count]
            ]
            raise reply


def _text(reply: Reply) -> str:
    return reply.decode() if isinstance(reply, bytes) else str(reply)
