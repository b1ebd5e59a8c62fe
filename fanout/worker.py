"""The fanout worker: one term after the other, until it is told to stop."""

import asyncio
import random

from redis.exceptions import RedisError

from fanout.commit.committer import ServerRefused
from fanout.counters import WorkerCounters
from fanout.term import REDIS_USER, Term, TermPlan
from fanwire.core.backoff import backoff_ms
from fanwire.core.keys import Topic
from shared.logs import logger
from shared.redis.client import RECONNECT
from shared.redis.presence import RedisPresence
from shared.redis.server_clock import ServerClock
from shared.runtime import stopped_within

log = logger()


class FanoutWorker:
    """Moves the events of its topics into batches.

    All that outlives a term is what it counted, and the highest epoch seen of each topic:
    an epoch that repeats would let old positions name new events.
    """

    def __init__(self, plan: TermPlan) -> None:
        self._plan = plan
        self._known_epochs: dict[Topic, int] = {}
        self.counters = WorkerCounters()
        self.presence = RedisPresence()
        self.clock = ServerClock()
        self.term: Term | None = None

    @property
    def name(self) -> str:
        """The id under which this process holds leases."""
        return self._plan.worker

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`, then give everything back."""
        attempt = 0
        while not stop.is_set():
            self.counters.terms += 1
            term = self.term = Term(
                self._plan,
                counters=self.counters,
                known_epochs=self._known_epochs,
                presence=self.presence,
                clock=self.clock,
            )
            try:
                await term.run(stop)
            except* (RedisError, OSError, ServerRefused) as errors:
                why = "; ".join(sorted({f"{type(e).__name__}: {e}" for e in _leaves(errors)}))
                self.presence.lost(REDIS_USER, why)
                log.warning("fanout.term_ended", why=why)
            self.term = None
            attempt = 0 if term.is_ready else attempt + 1
            # Full jitter: workers that lost a server together must not return together.
            if await stopped_within(stop, backoff_ms(attempt, random.random(), RECONNECT)):
                return


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves
