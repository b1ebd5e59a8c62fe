"""What 2 000 sockets cost whose readers have stopped.

They are greeted and then read nothing, while more comes than the hard limit lets wait. The low
tier is shed, the critical one waits, and in the end every one of them is aborted. Resident
memory is read all the while: its peak must not follow the traffic, so the same is done with
sockets that are sent twice as much.

Sockets of one filter share the bytes that wait live. Each has of its own its places in the lanes,
the rest of the frame that the kernel cut, and of a catch-up the piece that was written last: two
pieces of 64 KiB are the goal. Who is alone in its filter shares with nobody, and there
`GATEWAY_HARD_LIMIT_BYTES` is the bound. Kernel buffers are not counted.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

from bench.load import Sink
from bench.programs import BenchProgram, Cores
from bench.report import Figure, show
from bench.stack import ORIGIN, BenchStack, stream_path, tiers_setting, topics
from fanwire.core.keys import Topic

READERS: Final = 2_000
SOURCES: Final = 100
TOPICS: Final = 4
CRITICAL: Final = 2
SETTLE_S: Final = 2.0
ROUND_S: Final = 0.1
ROUND_BYTES: Final = 10_000
HARD_LIMIT: Final = 1_048_576
FLOODS: Final = (2 * HARD_LIMIT, 4 * HARD_LIMIT)
"""Bytes of the critical tier sent to each."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident bytes of the gateway."""

    idle: int
    peak: int


def measure(cores: Cores) -> None:
    """Flood stalled readers, and others with twice as much, and show the peaks."""
    wanted = topics(TOPICS)
    once, twice = (_run(cores, wanted, flood) for flood in FLOODS)
    show(
        f"stalled: {READERS:,} readers that read nothing",
        [
            Figure("gateway before", once.idle / 2**20, "MiB"),
            Figure("at its peak", once.peak / 2**20, "MiB"),
            Figure(
                "of a stalled reader", (once.peak - once.idle) / READERS, "bytes", goal="≤ 131,072"
            ),
            Figure("at its peak, with twice the traffic", twice.peak / 2**20, "MiB"),
            Figure("that peak of the first", twice.peak / once.peak, "×", goal="≤ 1.1"),
        ],
    )


def _run(cores: Cores, wanted: list[Topic], each_bytes: int) -> Memory:
    # A stack of its own: what an allocator keeps of one flood would count for the next.
    with BenchStack(cores) as stack:
        tiers = tiers_setting(wanted, critical=CRITICAL)
        stack.start_worker(cores.load, **tiers)
        gateway = stack.start_gateway(cores.server, **tiers)
        sink = _connect(stack, cores, wanted)
        time.sleep(SETTLE_S)
        idle = gateway.rss_bytes()
        peak = _flood(stack, gateway, wanted, each_bytes)
        sink.stop()
    return Memory(idle, peak)


def _flood(stack: BenchStack, gateway: BenchProgram, wanted: list[Topic], each_bytes: int) -> int:
    """Publish so many critical bytes, and as many low ones; return the highest memory."""
    event: dict[Any, Any] = {"type": "bench.tick", "data": b'{"pad":"%b"}' % (b"x" * ROUND_BYTES)}
    peak, due = gateway.rss_bytes(), time.monotonic()
    for _ in range(each_bytes // (CRITICAL * ROUND_BYTES)):
        pipeline = stack.redis.pipeline(transaction=False)
        for topic in wanted:
            pipeline.xadd(stack.keys.events(topic), event)
        pipeline.execute()
        due += ROUND_S
        while (left_s := due - time.monotonic()) > 0:
            peak = max(peak, gateway.rss_bytes())
            time.sleep(min(left_s, 0.02))
    return peak


def _connect(stack: BenchStack, cores: Cores, wanted: list[Topic]) -> Sink:
    sink = Sink(
        cores.load,
        port=stack.port,
        path=stream_path(wanted),
        origin=ORIGIN,
        tokens=stack.token_file(READERS),
        connections=READERS,
        sources=SOURCES,
        duration_s=120,
        slow_bytes_per_s=0,
    )
    sink.wait_ready()
    return sink
