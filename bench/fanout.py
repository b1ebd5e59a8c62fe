"""How many 512-byte frames a gateway writes to 1 000 sockets, next to the C loop.

Events go over 32 topics, one per topic and round, with more than a window between rounds:
so each leaves as a batch of its own, and each batch is one frame per socket.

Twice: at a pace that the gateway keeps up with, where each frame is a write of its own, and
flooded, where it reads several batches of a topic at once and writes them together. Fewer
writes are cheaper, so each run is compared with a C loop that puts as many frames into a
write as the gateway did. Against single frames a flooded gateway would seem to beat C.

Rejected: writing batches past the worker. It would fill the gateway faster, but measure a
path that no user has.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

from bench.baseline import CONNECTIONS, FRAME_BYTES, GATHER_US, c_loop_frames_per_cpu_s
from bench.load import Sink
from bench.programs import BenchProgram, Cores
from bench.report import Figure, show
from bench.stack import ORIGIN, BenchStack, stream_path, topics
from fanwire.core.events import Event, parse_entry
from fanwire.core.keys import Topic
from fanwire.core.position import Position
from fanwire.wire.encode import encode_batch

TOPICS: Final = 32
RUNS: Final = 3


@dataclass(frozen=True, slots=True)
class Pace:
    """How often all topics get an event."""

    name: str
    rounds: int
    round_s: float


PACES: Final = (Pace("kept up", rounds=8, round_s=0.5), Pace("flooded", rounds=40, round_s=0.08))


@dataclass(frozen=True, slots=True)
class FanoutRun:
    """What one run of the gateway reached, and the C loop right after it."""

    frames_per_cpu_s: float
    frames_per_s: float
    frames_per_write: float
    frame_bytes: float
    events_lost: int
    c_frames_per_cpu_s: float

    @property
    def of_c_loop(self) -> float:
        """Return the share that survives a change of the machine's speed."""
        return self.frames_per_cpu_s / self.c_frames_per_cpu_s


def measure(cores: Cores) -> None:
    """Alternate the gateway and the C loop at both paces, and show the medians."""
    figures: list[Figure] = []
    with BenchStack(cores) as stack:
        stack.start_worker(cores.load)
        gateway = stack.start_gateway(cores.server)
        for pace in PACES:
            runs = [run_once(stack, gateway, cores, pace) for _ in range(RUNS)]
            figures += _figures(pace, sorted(runs, key=lambda run: run.of_c_loop)[RUNS // 2])
            lost = sum(run.events_lost for run in runs)
            figures.append(Figure(f"{pace.name}: events lost", lost, "", goal="0"))
    show("fanout: one event to 1 000 sockets, one frame each", figures)


def _figures(pace: Pace, run: FanoutRun) -> list[Figure]:
    per_cpu_s, share = run.frames_per_cpu_s, run.of_c_loop
    return [
        Figure(f"{pace.name}: C loop, per CPU second", run.c_frames_per_cpu_s, "frames/s", 1.0),
        Figure(f"{pace.name}: gateway, per CPU second", per_cpu_s, "frames/s", share, "≥ 0.5"),
        Figure(f"{pace.name}: gateway, per second", run.frames_per_s, "frames/s"),
        Figure(f"{pace.name}: frames in a write of both", run.frames_per_write, ""),
        Figure(f"{pace.name}: mean frame", run.frame_bytes, "bytes"),
    ]


def run_once(
    stack: BenchStack,
    gateway: BenchProgram,
    cores: Cores,
    pace: Pace,
    *,
    traceparent: str | None = None,
) -> FanoutRun:
    """Run the gateway at this pace, and the C loop right after it.

    With a `traceparent` each event carries it, and each frame is the longer by it.
    """
    wanted = topics(TOPICS)
    expected = CONNECTIONS * TOPICS * pace.rounds
    sink = Sink(
        cores.load,
        port=stack.port,
        path=stream_path(wanted),
        origin=ORIGIN,
        tokens=stack.token_file(CONNECTIONS),
        connections=CONNECTIONS,
        events=expected,
        duration_s=60,
        gather_us=GATHER_US,
    )
    sink.wait_ready()
    cpu_before_s, writes_before = gateway.cpu_s(), gateway.write_calls()
    _publish(stack, wanted, pace, traceparent)
    report = sink.report()
    cpu_s, writes = gateway.cpu_s() - cpu_before_s, gateway.write_calls() - writes_before
    # A few writes are wake-ups of the event loop, so a frame of its own can count as 0.99.
    per_write = max(1.0, report["batches"] / writes)
    return FanoutRun(
        frames_per_cpu_s=report["batches"] / cpu_s,
        frames_per_s=report["frames_per_s"],
        frames_per_write=per_write,
        frame_bytes=report["batch_bytes"] / max(report["batches"], 1),
        events_lost=expected - report["events"],
        c_frames_per_cpu_s=c_loop_frames_per_cpu_s(cores, frames_per_write=per_write),
    )


def _publish(stack: BenchStack, wanted: list[Topic], pace: Pace, traceparent: str | None) -> None:
    event: dict[Any, Any] = {"type": "bench.tick", "data": padded_data(wanted[0])}
    if traceparent is not None:
        event["traceparent"] = traceparent
    due = time.monotonic()
    for _ in range(pace.rounds):
        pipeline = stack.redis.pipeline(transaction=False)
        for topic in wanted:
            pipeline.xadd(stack.keys.events(topic), event)
        pipeline.execute()
        due += pace.round_s
        time.sleep(max(0.0, due - time.monotonic()))


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
