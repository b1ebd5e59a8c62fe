"""From just before XADD to the bytes in 1 000 sockets' hands, idle and at 200 events/s.

The publisher stamps each event with CLOCK_MONOTONIC, which the sink reads too: one machine,
one clock. A percentile is over all sockets of all events, so the last socket counts.
"""

import random
import time
from collections.abc import Iterable
from typing import Any, Final

from bench.baseline import c_loop_frames_per_cpu_s
from bench.load import Sink
from bench.programs import Cores
from bench.report import Figure, show
from bench.stack import ORIGIN, BenchStack, stream_path, topics
from fanwire.core.keys import Topic

CONNECTIONS: Final = 1_000
WARM_UP_EVENTS: Final = 5
IDLE_EVENTS: Final = 60
BUSY_EVENTS: Final = 2_000
BUSY_EVENTS_PER_S: Final = 200
WINDOW_MS: Final = 150


def measure(cores: Cores) -> None:
    """Measure an idle topic, then a busy one."""
    # The least that any server takes to reach the last of the sockets.
    floor_ms = 1_000 * CONNECTIONS / c_loop_frames_per_cpu_s(cores)
    with BenchStack(cores) as stack:
        stack.start_worker(cores.load)
        stack.start_gateway(cores.server)
        idle_topic, busy_topic = topics(2)
        pauses_s = [0.2 + 0.1 * random.random() for _ in range(IDLE_EVENTS)]
        idle = _run(stack, cores, idle_topic, pauses_s)
        busy = _run(stack, cores, busy_topic, [1 / BUSY_EVENTS_PER_S] * BUSY_EVENTS)
        window_ms = float(stack.redis.hget(stack.keys.topic(busy_topic), "window_ms") or 0)
    show(
        "latency: XADD to 1 000 sockets",
        [
            Figure("C loop, one round of writes", floor_ms, "ms", 1.0),
            *_figures("idle topic", idle, floor_ms, "≤ 15"),
            *_figures("200 events/s", busy, floor_ms, f"≤ window + 50, at most {WINDOW_MS + 50}"),
            Figure("window at the end", window_ms, "ms"),
        ],
    )


def _run(stack: BenchStack, cores: Cores, topic: Topic, pauses_s: list[float]) -> dict[str, Any]:
    # The first events pay for first times: reads, scripts, memory. A process has them once.
    _publish(stack, topic, [0.2] * WARM_UP_EVENTS)
    sink = Sink(
        cores.load,
        port=stack.port,
        path=stream_path([topic]),
        origin=ORIGIN,
        tokens=stack.token_file(CONNECTIONS),
        connections=CONNECTIONS,
        events=CONNECTIONS * len(pauses_s),
        duration_s=60,
        latency=True,
    )
    sink.wait_ready()
    time.sleep(1)
    _publish(stack, topic, pauses_s)
    return sink.report()


def _publish(stack: BenchStack, topic: Topic, pauses_s: Iterable[float]) -> None:
    due = time.monotonic()
    for pause_s in pauses_s:
        data = b'{"bench_ns":%d,"pad":"%b"}' % (time.monotonic_ns(), b"x" * 250)
        stack.redis.xadd(stack.keys.events(topic), {"type": "bench.tick", "data": data})
        due += pause_s
        time.sleep(max(0.0, due - time.monotonic()))


def _figures(what: str, report: dict[str, Any], floor_ms: float, goal: str) -> list[Figure]:
    latency = report["latency_ms"]
    figures = [
        Figure(f"{what}, {name}", latency[name], "ms", latency[name] / floor_ms)
        for name in ("p50", "p95", "max")
    ]
    p99 = Figure(f"{what}, p99", latency["p99"], "ms", latency["p99"] / floor_ms, goal)
    lost = CONNECTIONS * (IDLE_EVENTS if "idle" in what else BUSY_EVENTS) - report["events"]
    return [*figures[:2], p99, figures[2], Figure(f"{what}, lost", lost, "", goal="0")]
