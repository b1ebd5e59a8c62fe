"""Publish events from synchronous code. What happens, and why, is in plan.py beside this."""

import time
from collections.abc import Iterable, Sequence
from typing import Self, Unpack

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from fanwire.core.clock import now_ms
from fanwire.core.keys import Keys
from fanwire.errors import RealtimeError
from fanwire.publish.calls import (
    REDIS_OPTIONS,
    Deadline,
    EventTexts,
    checked,
    pause_s,
    portions,
    translated,
)
from fanwire.publish.in_time import in_time
from fanwire.publish.new_event import NewEvent, Outgoing
from fanwire.publish.plan import (
    Pause,
    Plan,
    Published,
    PublishLimits,
    PublishPlans,
    Reply,
    Send,
    advance,
)
from fanwire.publish.tracing import sending
from fanwire.redis.clients import sync_client
from fanwire.redis.errors import as_realtime_error


class Publisher:
    """Writes events to Redis; safe to share between threads. `close` ends its connections."""

    def __init__(
        self,
        client: redis.Redis,
        *,
        key_prefix: str = "",
        limits: PublishLimits | None = None,
    ) -> None:
        self._redis = client
        self._limits = PublishLimits() if limits is None else limits
        self._plans = PublishPlans(Keys(key_prefix), self._limits)

    @classmethod
    def from_url(
        cls, url: str, *, key_prefix: str = "", limits: PublishLimits | None = None
    ) -> Self:
        """Return a publisher with a client of its own.

        The client does not retry by itself: two layers of retries would multiply.
        """
        client = sync_client(url, retry=Retry(NoBackoff(), 0), **REDIS_OPTIONS)
        return cls(client, key_prefix=key_prefix, limits=limits)

    def publish(
        self,
        org: str,
        service: str,
        data: object,
        *,
        timeout_s: float | None = None,
        **texts: Unpack[EventTexts],
    ) -> str:
        """Publish one event and return its entry id, within `timeout_s` if it is given.

        Raises:
            InvalidId, InvalidEvent: If the worker would set the event aside; nothing is sent.
            Busy: If too many events of the topic are unread; nothing is written.
            NotReplicated: If level `repl` is asked for and too few replicas confirmed.
            Unreachable: If Redis did not answer; the event may have been written.
        """
        return self.publish_many([NewEvent(org, service, data, **texts)], timeout_s=timeout_s)[0]

    def publish_many(
        self, events: Iterable[NewEvent], *, timeout_s: float | None = None
    ) -> list[str]:
        """Publish events in order, many per round trip, and return their entry ids.

        Raises what `publish` raises. The error's `entry_ids` are then those of the events that were
        written, in order, with None for one of which that is not known; what lies behind them was
        not sent.
        """
        deadline = Deadline(timeout_s)
        entry_ids: list[str] = []
        try:
            for portion in portions(events):
                with sending(portion) as span:
                    entry_ids += span.sent(
                        self._write(checked(portion, span.traceparent), deadline)
                    )
        except RealtimeError as error:
            error.entry_ids = (*entry_ids, *error.entry_ids)
            raise
        return entry_ids

    def close(self) -> None:
        """Close the connections to Redis."""
        self._redis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, events: Sequence[Outgoing], deadline: Deadline) -> list[str]:
        plan = self._plans.publish(events, now_ms=now_ms())
        return in_time(lambda: self._perform(plan, deadline), deadline)

    def _perform(self, plan: Plan, deadline: Deadline) -> list[str]:
        step = advance(plan, None)
        while not isinstance(step, Published):
            if deadline.left_s == 0:
                # Its caller was told that it is over: nothing more is sent.
                raise deadline.missed()
            step = advance(plan, self._outcome(step))
        return step.entry_ids

    def _outcome(self, step: Send | Pause) -> Sequence[Reply] | RealtimeError:
        if isinstance(step, Pause):
            time.sleep(pause_s(step, self._limits.backoff))
            return ()
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for command in step.commands:
                    pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
                return translated(pipeline.execute(raise_on_error=False))
        except (redis.RedisError, OSError) as error:
            return as_realtime_error(error)
