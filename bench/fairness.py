"""How one org at a hundred times the load of the others delays them in the worker.

Twenty orgs publish at random moments, first alone, then beside the flood. Redis stamps every
event when it takes it, the worker stamps every batch as it commits it; the difference is the
wait, by one clock.
"""

import heapq
import random
import time
from collections.abc import Iterator
from typing import Any, Final

import orjson

from bench.programs import Cores, Unmeasurable
from bench.report import Figure, show
from bench.stack import BenchStack
from fanwire.core.ids import Org, Service
from fanwire.core.keys import Topic

QUIET_ORGS: Final = 20
QUIET_EVENTS_PER_S: Final = 10
FLOOD_TIMES: Final = 100
FLOOD_SERVICES: Final = 8
SECONDS: Final = 15.0
STALL_S: Final = 15.0
DATA: Final = b'{"title":"Fix sink","status":"open","pad":"%b"}' % (b"x" * 140)


def measure(cores: Cores) -> None:
    """Measure the quiet orgs alone, then beside the flood."""
    alone, _ = _p95_ms(cores, flood_per_s=0)
    flooded, flood_per_s = _p95_ms(cores, flood_per_s=QUIET_EVENTS_PER_S * FLOOD_TIMES)
    show(
        f"fairness: {QUIET_ORGS} orgs at {QUIET_EVENTS_PER_S} events/s, one at {FLOOD_TIMES} times",
        [
            Figure("quiet orgs alone, p95", alone, "ms"),
            Figure("beside the flood, p95", flooded, "ms"),
            Figure("the flood, published", flood_per_s, "events/s"),
            Figure("growth", 100 * (flooded / alone - 1), "%", goal="< 20"),
        ],
    )


def _p95_ms(cores: Cores, *, flood_per_s: float) -> tuple[float, float]:
    quiet = [Topic(Org(f"quiet-{n}"), Service("tasks")) for n in range(QUIET_ORGS)]
    flood = [Topic(Org("flood"), Service(f"bench-{n}")) for n in range(FLOOD_SERVICES)]
    with BenchStack(cores) as stack:
        stack.start_worker(cores.server)
        rates = [(topic, float(QUIET_EVENTS_PER_S)) for topic in quiet]
        rates += [(topic, flood_per_s / FLOOD_SERVICES) for topic in flood if flood_per_s]
        counts = _publish(stack, rates)
        _await(stack, quiet, sum(counts[topic] for topic in quiet))
        waits = sorted(wait for topic in quiet for wait in _waits_ms(stack, topic))
    flooded = sum(count for topic, count in counts.items() if topic in flood)
    return waits[int(len(waits) * 0.95)], flooded / SECONDS


def _publish(stack: BenchStack, rates: list[tuple[Topic, float]]) -> dict[Topic, int]:
    counts = dict.fromkeys((topic for topic, _ in rates), 0)
    begun = time.monotonic()
    for at_s, topic in moments(rates):
        time.sleep(max(0.0, begun + at_s - time.monotonic()))
        stack.redis.xadd(stack.keys.events(topic), {"type": "bench.tick", "data": DATA})
        counts[topic] += 1
    return counts


def moments(rates: list[tuple[Topic, float]]) -> Iterator[tuple[float, Topic]]:
    """Yield when to publish to which topic, in order; each at random at its own rate."""
    chance = random.Random(7)
    due = [(chance.expovariate(rate), n) for n, (_, rate) in enumerate(rates)]
    heapq.heapify(due)
    while due[0][0] < SECONDS:
        at_s, n = due[0]
        topic, rate = rates[n]
        yield at_s, topic
        heapq.heapreplace(due, (at_s + chance.expovariate(rate), n))


def _await(stack: BenchStack, wanted: list[Topic], count: int) -> None:
    give_up = time.monotonic() + STALL_S
    while stack.seq(*wanted) < count:
        if time.monotonic() > give_up:
            raise Unmeasurable(f"the worker stands at {stack.seq(*wanted)} of {count} events")
        time.sleep(0.01)


def _waits_ms(stack: BenchStack, topic: Topic) -> list[float]:
    entries: Any = stack.redis.xrange(stack.keys.batches(topic))
    frames = [orjson.loads(fields[b"d"]) for _, fields in entries]
    return [frame["sentAt"] - event["ts"] for frame in frames for event in frame["events"]]
