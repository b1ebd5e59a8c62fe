"""Resident memory of an idle connection, at 10 000 of them.

A first thousand is opened and closed before the clean reading, so that what Python imports
and allocates once is not spread over the connections. Kernel buffers are not counted. Nor is
there a C loop beside it: it keeps four bytes a socket, and a share of that says nothing.
"""

import time
from typing import Final

from bench.load import Sink
from bench.programs import Cores, raise_file_limit
from bench.report import Figure, show
from bench.stack import ORIGIN, BenchStack, stream_path, topics

CONNECTIONS: Final = 10_000
WARM_UP: Final = 1_000
SOURCES: Final = 100
SETTLE_S: Final = 3.0


def measure(cores: Cores) -> None:
    """Open them, wait, read."""
    raise_file_limit(CONNECTIONS + 1_000)
    with BenchStack(cores) as stack:
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
            Figure("gateway, of a connection", each, "bytes", goal="≤ 4,096"),
            Figure("gateway without connections", empty / 2**20, "MiB"),
            Figure("gateway with them", full / 2**20, "MiB"),
            Figure("not greeted", sum(report["errors"].values()), "", goal="0"),
        ],
    )


def _connect(stack: BenchStack, cores: Cores, count: int) -> Sink:
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
