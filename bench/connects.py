"""How many sockets a gateway greets in a second: upgrade, token check, hello.

Every socket has a token of its own, so no verdict can be reused. The ruler is the plain
loop that only accepts.
"""

from typing import Final

from bench import build
from bench.load import Sink, run_loop
from bench.programs import Cores
from bench.report import Figure, show
from bench.stack import ORIGIN, BenchStack, stream_path, topics

CONNECTIONS: Final = 4_000
IN_FLIGHT: Final = 128


def measure(cores: Cores) -> None:
    """Connect at once as many as allowed in flight, and show the rate."""
    _, accepted = run_loop(
        [build.write_loop()], cores, connections=CONNECTIONS, rounds=1, in_flight=IN_FLIGHT
    )
    with BenchStack(cores) as stack:
        stack.start_worker(cores.load)
        gateway = stack.start_gateway(cores.server)
        before_s = gateway.cpu_s()
        sink = Sink(
            cores.load,
            port=stack.port,
            path=stream_path(topics(2)),
            origin=ORIGIN,
            tokens=stack.token_file(CONNECTIONS),
            connections=CONNECTIONS,
            in_flight=IN_FLIGHT,
            duration_s=60,
        )
        sink.wait_ready()
        used_s = gateway.cpu_s() - before_s
        report = sink.stop()
    greeted_per_s = report["connected"] / report["hello_s"]
    show(
        "connects: each with its own token",
        [
            Figure("C accept loop", accepted["connects_per_s"], "connects/s", 1.0),
            Figure(
                "gateway, upgraded",
                report["connects_per_s"],
                "connects/s",
                report["connects_per_s"] / accepted["connects_per_s"],
                "≥ 2,000",
            ),
            Figure("gateway, greeted", greeted_per_s, "connects/s"),
            Figure("gateway, CPU of a connect", used_s / CONNECTIONS * 1e6, "µs"),
            Figure("not greeted", sum(report["errors"].values()), "", goal="0"),
        ],
    )
