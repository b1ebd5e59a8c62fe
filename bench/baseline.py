"""The rulers: what plain loops write, and what the load generator counts.

The sink is proven when it keeps up with the C loop (no wait for a full socket) and counts
far more frames than that loop can write.
"""

import sys
from typing import Final

from bench import build
from bench.blast import FRAMES_PER_WRITE
from bench.load import run_loop
from bench.programs import Cores
from bench.report import Figure, show

CONNECTIONS: Final = 1_000
FRAME_BYTES: Final = 512
GATHER_US: Final = 1_000
"""How long the sink rests between reads where no latency is measured, for the loop and the
gateway alike: each wake-up of the reader is paid for by the writer."""


def c_loop_frames_per_cpu_s(cores: Cores, *, frames_per_write: float = 1.0) -> float:
    """Return how many 512-byte frames the C loop writes to 1 000 sockets in a CPU second."""
    loop, _ = run_loop(
        [build.write_loop()],
        cores,
        connections=CONNECTIONS,
        rounds=300,
        frame_bytes=round(FRAME_BYTES * frames_per_write),
        gather_us=GATHER_US,
    )
    return float(loop["frames_per_cpu_s"]) * frames_per_write


def measure(cores: Cores) -> None:
    """Run the C loop, the Python loop and the blast against the sink."""
    rounds = 600
    c_loop, c_sink = run_loop(
        [build.write_loop()], cores, connections=CONNECTIONS, rounds=rounds, gather_us=GATHER_US
    )
    python, _ = run_loop(
        [sys.executable, build.HERE / "write_loop.py"],
        cores,
        connections=CONNECTIONS,
        rounds=rounds,
        gather_us=GATHER_US,
    )
    _, blast = run_loop(
        [sys.executable, build.HERE / "blast.py"],
        cores,
        connections=CONNECTIONS,
        rounds=2 * rounds // FRAMES_PER_WRITE,
        raw=False,
        no_hello=True,
    )
    per_cpu_s = c_loop["frames_per_cpu_s"]
    show(
        "baseline: 512-byte frames to 1 000 sockets",
        [
            Figure("C write loop, per CPU second", per_cpu_s, "frames/s", 1.0),
            Figure("C write loop, per second", c_loop["frames_per_s"], "frames/s"),
            Figure("its waits for a full socket", c_loop["waits"], "", goal="0"),
            Figure("sink's share of its core", c_sink["cpu_s"] / c_loop["wall_s"], "", goal="< 1"),
            _python_loop(python["frames_per_cpu_s"], per_cpu_s),
            Figure(
                "sink counting, frames ready",
                blast["frames_per_s"],
                "frames/s",
                blast["frames_per_s"] / c_loop["frames_per_s"],
                "> 800,000",
            ),
        ],
    )


def _python_loop(per_cpu_s: float, of_c: float) -> Figure:
    return Figure("Python write loop, per CPU second", per_cpu_s, "frames/s", per_cpu_s / of_c)
