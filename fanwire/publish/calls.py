"""What the sync and the async publisher share besides the plan: events, waits and deadlines."""

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypedDict

from fanwire.core.backoff import BackoffLimits, backoff_ms
from fanwire.core.clock import now_ms
from fanwire.errors import Unreachable
from fanwire.publish.new_event import NewEvent, Outgoing, checked_outgoing
from fanwire.publish.plan import CHUNK_COUNT, Pause, Reply
from fanwire.redis.errors import as_realtime_error

REDIS_OPTIONS: Final[dict[str, Any]] = {
    # RESP3, as the servers speak it: one shape of replies to reckon with.
    "protocol": 3,
    # A server that is there accepts at once; an answer may have to wait for a script.
    "socket_connect_timeout": 5,
    "socket_timeout": 10,
}


class EventTexts(TypedDict, total=False):
    """The optional texts of an event, as keyword arguments of `publish`."""

    type: str | None
    entity_type: str | None
    entity_id: str | None
    event_id: str | None
    property_id: str | None
    traceparent: str | None


class Deadline:
    """When a caller stops waiting; None for never."""

    def __init__(self, timeout_s: float | None) -> None:
        self._timeout_s = timeout_s
        self._end_ms = None if timeout_s is None else now_ms() + timeout_s * 1000

    @property
    def left_s(self) -> float | None:
        """How long there is; None: as long as it takes."""
        return None if self._end_ms is None else max(0.0, (self._end_ms - now_ms()) / 1000)

    def missed(self) -> Unreachable:
        """Return what a caller is told who waited in vain."""
        return Unreachable(
            f"no answer from Redis within {self._timeout_s:g} s; what was under way may be written"
        )


def portions(events: Iterable[NewEvent]) -> Iterator[list[NewEvent]]:
    """Return the events in portions of one round trip each."""
    left = iter(events)
    while portion := list(islice(left, CHUNK_COUNT)):
        yield portion


def checked(events: Sequence[NewEvent], traceparent: str | None) -> list[Outgoing]:
    """Return the events checked; `traceparent` is for those that have none."""
    return [checked_outgoing(event, traceparent) for event in events]


def translated(replies: Sequence[Reply]) -> list[Reply]:
    """Return the replies with redis-py's errors as ours."""
    return [as_realtime_error(r) if isinstance(r, Exception) else r for r in replies]


def pause_s(pause: Pause, limits: BackoffLimits) -> float:
    """Return how long this pause lasts."""
    return backoff_ms(pause.attempt, random.random(), limits) / 1000
