"""How one org at a hundred times the load of the others delays them on the way to their sockets.

The same orgs as in fairness.py, each with the same number of sockets, and the whole way: from
just before XADD to the bytes in the hands of the quiet orgs' sockets, through worker and gateway.

Alone and beside the flood alternate, and each pair is one ratio: a machine that changes its speed
changes both.
"""

import time
from statistics import median
from typing import Any, Final

from bench.fairness import FLOOD_SERVICES, FLOOD_TIMES, QUIET_EVENTS_PER_S, QUIET_ORGS, moments
from bench.load import Sink
from bench.programs import Cores
from bench.report import Figure, show
from bench.stack import ORIGIN, BenchStack, stream_path
from fanwire.core.ids import Org, Service
from fanwire.core.keys import Topic

SOCKETS_OF_AN_ORG: Final = 20
PAIRS: Final = 3
PAD: Final = b"x" * 140
QUIET: Final = [Topic(Org(f"quiet-{n}"), Service("tasks")) for n in range(QUIET_ORGS)]
FLOOD: Final = [Topic(Org("flood"), Service(f"bench-{n}")) for n in range(FLOOD_SERVICES)]


def measure(cores: Cores) -> None:
    """Measure the quiet orgs alone and beside the flood, in turn."""
    with BenchStack(cores) as stack:
        stack.start_worker(cores.load)
        stack.start_gateway(cores.server)
        flood = _sink(stack, cores, FLOOD, SOCKETS_OF_AN_ORG)
        _run(stack, cores, flood_per_s=0)  # what is done for the first time belongs to neither
        pairs = [
            (
                _run(stack, cores, flood_per_s=0),
                _run(stack, cores, flood_per_s=QUIET_EVENTS_PER_S * FLOOD_TIMES),
            )
            for _ in range(PAIRS)
        ]
        flood.stop()
    growth = median(100 * (beside["p95"] / alone["p95"] - 1) for alone, beside in pairs)
    show(
        f"fairness: {QUIET_ORGS} orgs to their sockets, one at {FLOOD_TIMES} times",
        [
            Figure("quiet orgs alone, p95", median(alone["p95"] for alone, _ in pairs), "ms"),
            Figure("beside the flood, p95", median(beside["p95"] for _, beside in pairs), "ms"),
            Figure("growth", growth, "%", goal="< 20"),
            Figure("lost", sum(run["lost"] for pair in pairs for run in pair), "", goal="0"),
        ],
    )


def _run(stack: BenchStack, cores: Cores, *, flood_per_s: float) -> dict[str, float]:
    quiet = _sink(stack, cores, QUIET, QUIET_ORGS * SOCKETS_OF_AN_ORG, latency=True)
    rates = [(topic, float(QUIET_EVENTS_PER_S)) for topic in QUIET]
    rates += [(topic, flood_per_s / FLOOD_SERVICES) for topic in FLOOD if flood_per_s]
    published = 0
    begun = time.monotonic()
    for at_s, topic in moments(rates):
        time.sleep(max(0.0, begun + at_s - time.monotonic()))
        is_quiet = topic not in FLOOD
        published += is_quiet
        stamp = b'"bench_ns":%d,' % time.monotonic_ns() if is_quiet else b""
        event: dict[Any, Any] = {"type": "bench.tick", "data": b'{%b"pad":"%b"}' % (stamp, PAD)}
        stack.redis.xadd(stack.keys.events(topic), event)
    time.sleep(1)  # the last of them are on their way
    report = quiet.stop()
    lost = published * SOCKETS_OF_AN_ORG - report["events"]
    return {"p95": report["latency_ms"]["p95"], "lost": lost}


def _sink(stack: BenchStack, cores: Cores, wanted: list[Topic], count: int, **more: Any) -> Sink:
    services = list({topic.service: topic for topic in wanted}.values())
    sink = Sink(
        cores.load,
        port=stack.port,
        path=stream_path(services),
        origin=ORIGIN,
        tokens=stack.token_file(count, orgs=[*dict.fromkeys(topic.org for topic in wanted)]),
        connections=count,
        duration_s=300,
        **more,
    )
    sink.wait_ready()
    return sink
