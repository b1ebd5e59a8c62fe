"""What the healthy 70 % of the sockets notice when the other 30 % read 2 KB/s.

Twenty topics, 18 of them low and 2 critical, get an event each in turn, further apart than a
window: so each leaves at once, and what is measured is not the window. All together are six
times what a slow socket reads, the critical ones half of it. Both runs have the same sockets
and events; only how the 30 % read differs, and the latency is that of the 70 %.

The two alternate, and each pair is one ratio: a machine that changes its speed changes both.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from bench.load import Sink
from bench.programs import Cores
from bench.report import Figure, show
from bench.stack import ORIGIN, BenchStack, stream_path, tiers_setting, topics
from fanwire.core.keys import Topic

HEALTHY: Final = 700
SLOW: Final = 300
SLOW_BYTES_PER_S: Final = 2_048
TOPICS: Final = 20
CRITICAL: Final = 2
EVENTS_PER_S: Final = 25
SECONDS: Final = 10
WARM_UP_S: Final = 2
PAIRS: Final = 3
PAD: Final = b"x" * 300


@dataclass(frozen=True, slots=True)
class IsolationRun:
    """How the healthy fared, and what the others read."""

    latency_ms: dict[str, float]
    lost: int
    others_bytes_per_s: float


def measure(cores: Cores) -> None:
    """Run with 30 % slow and without, in turn, and show the medians."""
    wanted = topics(TOPICS)
    with BenchStack(cores) as stack:
        tiers = tiers_setting(wanted, critical=CRITICAL)
        stack.start_worker(cores.load, **tiers)
        stack.start_gateway(cores.server, **tiers)
        pairs = [
            (_run(stack, cores, wanted), _run(stack, cores, wanted, slow=True))
            for _ in range(PAIRS)
        ]
    show(f"isolation: {HEALTHY} healthy sockets beside {SLOW} others", _figures(pairs))


def _figures(pairs: Sequence[tuple[IsolationRun, IsolationRun]]) -> list[Figure]:
    alike, beside_slow = zip(*pairs, strict=True)
    ratio = median(slow.latency_ms["p99"] / all_well.latency_ms["p99"] for all_well, slow in pairs)
    others_bytes_per_s = median(run.others_bytes_per_s for run in beside_slow)
    return [
        *_latencies("all read", alike),
        *_latencies("30 % read 2 KB/s", beside_slow),
        Figure("p99 of the healthy, of the baseline", ratio, "×", goal="< 1.2"),
        Figure("what a slow socket read", others_bytes_per_s, "bytes/s", goal="≤ 2,200"),
        Figure("lost by the healthy", sum(r.lost for r in alike + beside_slow), "", goal="0"),
    ]


def _latencies(name: str, runs: Sequence[IsolationRun]) -> list[Figure]:
    return [
        Figure(f"{name}, {p}", median(run.latency_ms[p] for run in runs), "ms")
        for p in ("p50", "p99")
    ]


def _run(
    stack: BenchStack, cores: Cores, wanted: list[Topic], *, slow: bool = False
) -> IsolationRun:
    pace: dict[str, Any] = {"slow_bytes_per_s": SLOW_BYTES_PER_S} if slow else {}
    others = _sink(stack, cores, wanted, SLOW, **pace)
    expected = HEALTHY * EVENTS_PER_S * (WARM_UP_S + SECONDS)
    healthy = _sink(stack, cores, wanted, HEALTHY, latency=True, events=expected)
    # Without stamps: what is done for the first time belongs to neither run.
    _publish(stack, wanted, seconds=WARM_UP_S, is_stamped=False)
    begun = time.monotonic()
    _publish(stack, wanted, seconds=SECONDS, is_stamped=True)
    report, others_report = healthy.report(), others.stop()
    lasted_s = WARM_UP_S + time.monotonic() - begun
    return IsolationRun(
        report["latency_ms"],
        expected - report["events"],
        others_report["bytes"] / SLOW / lasted_s,
    )


def _sink(stack: BenchStack, cores: Cores, wanted: list[Topic], count: int, **more: Any) -> Sink:
    sink = Sink(
        cores.load,
        port=stack.port,
        path=stream_path(wanted),
        origin=ORIGIN,
        tokens=stack.token_file(count),
        connections=count,
        duration_s=30,
        **more,
    )
    sink.wait_ready()
    return sink


def _publish(stack: BenchStack, wanted: list[Topic], *, seconds: int, is_stamped: bool) -> None:
    due = time.monotonic()
    for n in range(seconds * EVENTS_PER_S):
        stamp = b'"bench_ns":%d,' % time.monotonic_ns() if is_stamped else b""
        event: dict[Any, Any] = {"type": "bench.tick", "data": b'{%b"pad":"%b"}' % (stamp, PAD)}
        stack.redis.xadd(stack.keys.events(wanted[n % TOPICS]), event)
        due += 1 / EVENTS_PER_S
        time.sleep(max(0.0, due - time.monotonic()))
