"""How many events one worker takes in: a backlog first, then live at a fixed rate.

The worker has a core of its own; Valkey and the publisher share the other. The clock starts
at the first commit, so that the start of a Python program is not counted as slowness.
"""

import time
from dataclasses import dataclass
from typing import Final

from bench.baseline import c_loop_frames_per_cpu_s
from bench.programs import BenchProgram, Cores, Unmeasurable
from bench.report import Figure, show
from bench.stack import BenchStack, topics
from fanwire.core.keys import Topic

TOPICS: Final = 16
BACKLOG: Final = 200_000
LIVE: Final = 100_000
LIVE_EVENTS_PER_S: Final = 20_000
CHUNK: Final = 200
DATA: Final = b'{"title":"Fix sink","status":"open","room":"12b","pad":"%b"}' % (b"x" * 140)
STALL_S: Final = 15.0


def measure(cores: Cores) -> None:
    """Drain a backlog, then follow a live stream of events."""
    ruler = c_loop_frames_per_cpu_s(cores)
    with BenchStack(cores) as stack:
        wanted = topics(TOPICS)
        _publish(stack, wanted, range(BACKLOG), per_s=0)
        worker = stack.start_worker(cores.server)
        drained = _drain(stack, worker, wanted, BACKLOG)
        before_s, begun = worker.cpu_s(), time.monotonic()
        _publish(stack, wanted, range(BACKLOG, BACKLOG + LIVE), per_s=LIVE_EVENTS_PER_S)
        offered_per_s = LIVE / (time.monotonic() - begun)
        lag = BACKLOG + LIVE - stack.seq(*wanted)
        _await_seq(stack, wanted, BACKLOG + LIVE)
        live_cpu_s = worker.cpu_s() - before_s
    drained_per_s = drained.events / drained.wall_s
    drained_per_cpu_s = drained.events / drained.cpu_s
    show(
        f"ingest: one worker, {TOPICS} topics, {len(DATA)} bytes of data",
        [
            Figure("C write loop, per CPU second", ruler, "frames/s", 1.0),
            Figure("backlog drained", drained_per_s, "events/s", goal="≥ 20,000"),
            _share("backlog, per CPU second", drained_per_cpu_s, ruler),
            Figure("live, offered", offered_per_s, "events/s"),
            Figure("live, not yet committed at the end", lag / offered_per_s * 1_000, "ms"),
            _share("live, per CPU second", LIVE / live_cpu_s, ruler),
        ],
    )


def _share(name: str, per_cpu_s: float, ruler: float) -> Figure:
    return Figure(name, per_cpu_s, "events/s", per_cpu_s / ruler)


@dataclass(frozen=True, slots=True)
class Drained:
    """What was committed between two looks, and what it took."""

    events: int
    wall_s: float
    cpu_s: float


def _drain(stack: BenchStack, worker: BenchProgram, wanted: list[Topic], until: int) -> Drained:
    first = _await_seq(stack, wanted, 1)
    begun, before_s = time.monotonic(), worker.cpu_s()
    last = _await_seq(stack, wanted, until)
    wall_s = time.monotonic() - begun
    return Drained(events=last - first, wall_s=wall_s, cpu_s=worker.cpu_s() - before_s)


def _await_seq(stack: BenchStack, wanted: list[Topic], least: int) -> int:
    seq, progressed = 0, time.monotonic()
    while time.monotonic() - progressed < STALL_S:
        before, seq = seq, stack.seq(*wanted)
        if seq >= least:
            return seq
        if seq > before:
            progressed = time.monotonic()
        time.sleep(0.01)
    raise Unmeasurable(f"the worker stands at {seq} of {least} events")


def _publish(stack: BenchStack, wanted: list[Topic], numbers: range, *, per_s: float) -> None:
    begun = time.monotonic()
    for chunk in (numbers[at : at + CHUNK] for at in range(0, len(numbers), CHUNK)):
        if per_s:
            due = begun + (chunk.start - numbers.start) / per_s
            time.sleep(max(0.0, due - time.monotonic()))
        pipeline = stack.redis.pipeline(transaction=False)
        for number in chunk:
            key = stack.keys.events(wanted[number % len(wanted)])
            pipeline.xadd(key, {"type": "bench.tick", "eventId": f"e{number}", "data": DATA})
        pipeline.execute()
