"""Resident memory of an idle connection, at 10 000 of them.

A first thousand is opened and closed before the clean reading, so that what Python imports
and allocates once is not spread over the connections. Kernel buffers are in neither figure.
"""

import time
from typing import Final

from bench import build
from bench.load import Sink, run_loop
from bench.programs import Cores, raise_file_limit
from bench.report import Figure, show
from bench.stack import ORIGIN, Stack, stream_path, topics

CONNECTIONS: Final = 10_000
WARM_UP: Final = 1_000
SOURCES: Final = 100
SETTLE_S: Final = 3.0


def measure(cores: Cores) -> None:
    """Open them, wait, read; the C loop's own figure beside it."""
    raise_file_limit(CONNECTIONS + 1_000)
    c_bytes = _c_loop_bytes(cores)
    with Stack(cores) as stack:
        stack.start_worker(cores.load)
        gateway = stack.start_gateway(cores.server)
        _connect(stack, cores, WARM_UP).stop()
        time.sleep(SETTLE_S)
        empty = gateway.rss_bytes()
        sink = _connect(stack, cores, CONNECTIONS)
        time.sleep(SETTLE_S)
        full = gateway.rss_bytes()
        report = sink.stop()
    each = (full - empty) / CONNECTIONS
    show(
        f"memory: {CONNECTIONS:,} idle connections",
        [
            Figure("C write loop, of a connection", c_bytes, "bytes", 1.0),
            Figure("gateway, of a connection", each, "bytes", each / c_bytes, "≤ 4,096"),
            Figure("gateway without connections", empty / 2**20, "MiB"),
            Figure("gateway with them", full / 2**20, "MiB"),
            Figure("failed", report["failed"], "", goal="0"),
        ],
    )


def _connect(stack: Stack, cores: Cores, count: int) -> Sink:
    sink = Sink(
        cores.load,
        port=stack.port,
        path=stream_path(topics(2)),
        origin=ORIGIN,
        tokens=stack.token_file(count),
        connections=count,
        sources=SOURCES,
        duration_s=120,
    )
    sink.wait_ready()
    return sink


def _c_loop_bytes(cores: Cores) -> float:
    few, _ = run_loop([build.write_loop()], cores, connections=1, rounds=1)
    many, _ = run_loop(
        [build.write_loop()], cores, connections=CONNECTIONS, rounds=1, sources=SOURCES
    )
    grown_kib = float(many["max_rss_kib"] - few["max_rss_kib"])
    return max(grown_kib, 1) * 1_024 / CONNECTIONS
