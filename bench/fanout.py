"""How many 512-byte frames a gateway writes to 1 000 sockets, next to the C loop.

Events go over 32 topics, one per topic and round, with more than a window between rounds:
so each leaves as a batch of its own, and each batch is one frame per socket. Runs of the C
loop and of the gateway alternate, since a shared machine changes its speed within minutes.

Rejected: writing batches past the worker. It would fill the gateway faster, but measure a
path that no user has.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bench.baseline import c_loop_frames_per_cpu_s
from bench.load import Sink
from bench.programs import Cores, Program
from bench.report import Figure, show
from bench.stack import ORIGIN, Stack, stream_path, topics
from fanwire.events import Event, parse_entry
from fanwire.keys import Topic
from fanwire.position import Position
from fanwire.wire import encode_batch

CONNECTIONS: Final = 1_000
FRAME_BYTES: Final = 512
TOPICS: Final = 32
ROUNDS: Final = 40
ROUND_S: Final = 0.08
RUNS: Final = 3


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of the gateway reached."""

    frames_per_cpu_s: float
    frames_per_s: float
    frame_bytes: float
    events_lost: int


def measure(cores: Cores) -> None:
    """Alternate the C loop and the gateway, and show the medians."""
    c_loop, runs = [c_loop_frames_per_cpu_s(cores)], []
    with Stack(cores) as stack:
        stack.start_worker(cores.load)
        gateway = stack.start_gateway(cores.server)
        for _ in range(RUNS):
            runs.append(_run(stack, gateway, cores))
            c_loop.append(c_loop_frames_per_cpu_s(cores))
    ruler = statistics.median(c_loop)
    per_cpu_s = statistics.median(run.frames_per_cpu_s for run in runs)
    per_s = statistics.median(run.frames_per_s for run in runs)
    show(
        "fanout: one event to 1 000 sockets, one frame each",
        [
            Figure("C write loop, per CPU second", ruler, "frames/s", 1.0),
            Figure("gateway, per CPU second", per_cpu_s, "frames/s", per_cpu_s / ruler, "≥ 0.5"),
            Figure("gateway, per second", per_s, "frames/s", per_s / ruler),
            Figure("mean frame", statistics.mean(run.frame_bytes for run in runs), "bytes"),
            Figure("events lost", sum(run.events_lost for run in runs), "", goal="0"),
        ],
    )


def _run(stack: Stack, gateway: Program, cores: Cores) -> Run:
    wanted = topics(TOPICS)
    expected = CONNECTIONS * TOPICS * ROUNDS
    sink = Sink(
        cores.load,
        port=stack.port,
        path=stream_path(wanted),
        origin=ORIGIN,
        tokens=stack.token_file(CONNECTIONS),
        connections=CONNECTIONS,
        events=expected,
        duration_s=60,
        gather_us=1_000,
    )
    sink.wait_ready()
    before_s = gateway.cpu_s()
    _publish(stack, wanted)
    report = sink.report()
    used_s = gateway.cpu_s() - before_s
    return Run(
        frames_per_cpu_s=report["batches"] / used_s,
        frames_per_s=report["frames_per_s"],
        frame_bytes=report["batch_bytes"] / max(report["batches"], 1),
        events_lost=expected - report["events"],
    )


def _publish(stack: Stack, wanted: list[Topic]) -> None:
    data = padded_data(wanted[0])
    for due in _paced(ROUNDS, ROUND_S):
        time.sleep(max(0.0, due - time.monotonic()))
        pipeline = stack.redis.pipeline(transaction=False)
        for topic in wanted:
            pipeline.xadd(stack.keys.events(topic), {"type": "bench.tick", "data": data})
        pipeline.execute()


def _paced(count: int, interval_s: float) -> Iterator[float]:
    begun = time.monotonic()
    yield from (begun + number * interval_s for number in range(count))


def padded_data(topic: Topic) -> bytes:
    """Return the `data` that makes a frame of one event 512 bytes long, give or take two."""
    data = b'{"pad":"%b"}'
    entry = {b"type": b"bench.tick", b"data": data % b""}
    event = parse_entry("1795419516100-0", entry, org=topic.org)
    assert isinstance(event, Event)
    frame = encode_batch(
        service=topic.service,
        prev=Position(1_795_419_516_000, 10),
        position=Position(1_795_419_516_000, 11),
        sent_at_ms=1_795_419_516_123,
        traceparent=None,
        events=[event],
    )
    header_bytes = 4
    return data % (b"x" * (FRAME_BYTES - header_bytes - len(frame.body)))
