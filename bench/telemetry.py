"""What telemetry costs while every socket keeps up.

The fan-out of `fanout.py`, kept up, with spans and metrics sent to a collector and without: same
sockets, same events, same machine. The two alternate, each run is held against the C loop right
after it, and each pair is one ratio.

Events carry a context in both, as those of a traced publisher do, so the frames are of one length
and every batch is recorded. Exports are due each second instead of each minute, so that some fall
into every run. The collector is a thread beside the load: it reads what comes and drops it.
"""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Final

from bench.fanout import PACES, FanoutRun, run_once
from bench.fanout_pairs import cost_figures
from bench.programs import Cores
from bench.report import Figure, show
from bench.stack import BenchStack

PAIRS: Final = 5
TRACEPARENT: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
EVERY_MS: Final = "1000"


class Collector:
    """Counts the bytes of exports, and drops them."""

    def __init__(self, port: int) -> None:
        self.settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
            "OTEL_BSP_SCHEDULE_DELAY": EVERY_MS,
            "OTEL_METRIC_EXPORT_INTERVAL": EVERY_MS,
        }
        self.span_bytes = 0
        self.metric_bytes = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one exporter."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                size = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(size)
                if head.startswith(b"post /v1/traces "):
                    self.span_bytes += size
                else:
                    self.metric_bytes += size
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # it went with its server
        finally:
            writer.close()


def measure(cores: Cores) -> None:
    """Alternate telemetry off and on, and show the medians, and that of the ratios."""
    with running_collector() as collector:
        pairs = [(_run(cores, {}), _run(cores, collector.settings)) for _ in range(PAIRS)]
    off, on = zip(*pairs, strict=True)
    show(
        "telemetry: the fan-out with spans and metrics sent and without",
        [
            *cost_figures(pairs, without="off", with_it="on"),
            Figure("mean frame, off", median(run.frame_bytes for run in off), "bytes"),
            Figure("mean frame, on", median(run.frame_bytes for run in on), "bytes"),
            Figure("spans received", collector.span_bytes, "bytes", goal="> 0"),
            Figure("metrics received", collector.metric_bytes, "bytes", goal="> 0"),
        ],
    )


@contextmanager
def running_collector() -> Iterator[Collector]:
    """Run a collector on a free port of the loopback, in a loop of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    collector, loop = Collector(listener.getsockname()[1]), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    starting = asyncio.start_server(collector.take, sock=listener)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result()
    try:
        yield collector
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _run(cores: Cores, settings: dict[str, str]) -> FanoutRun:
    with BenchStack(cores) as stack:
        stack.start_worker(cores.load, **settings)
        gateway = stack.start_gateway(cores.server, **settings)
        return run_once(stack, gateway, cores, PACES[0], traceparent=TRACEPARENT)
