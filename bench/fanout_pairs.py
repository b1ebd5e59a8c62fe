"""What a part costs the fan-out: runs without it and with it, in pairs.

The two of a pair follow each other, and each is held against its own C loop, so that a machine
that changes its speed changes both.
"""

from collections.abc import Sequence
from statistics import median

from bench.fanout import FanoutRun
from bench.report import Figure

Pair = tuple[FanoutRun, FanoutRun]


def cost_figures(pairs: Sequence[Pair], *, without: str, with_it: str) -> list[Figure]:
    """Return both rates and what the second lost of the first; the names say which is which."""
    before, after = zip(*pairs, strict=True)
    drops = [100 * (1 - b.of_c_loop / a.of_c_loop) for a, b in pairs]
    return [
        _rate(f"{without}, per CPU second", before),
        _rate(f"{with_it}, per CPU second", after),
        Figure("drop, median of the pairs", median(drops), "%", goal="≤ 5"),
        Figure("drop, smallest of the pairs", min(drops), "%"),
        Figure("drop, largest of the pairs", max(drops), "%"),
        Figure("events lost", sum(run.events_lost for run in before + after), "", goal="0"),
    ]


def _rate(name: str, runs: Sequence[FanoutRun]) -> Figure:
    per_cpu_s = median(run.frames_per_cpu_s for run in runs)
    return Figure(name, per_cpu_s, "frames/s", median(run.of_c_loop for run in runs))
