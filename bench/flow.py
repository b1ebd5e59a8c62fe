"""What flow control costs while every socket keeps up.

The fan-out of `fanout.py`, kept up, with the gateway as it is and with one whose flow control is
switched off (`bare_gateway.py`): same sockets, same events, same machine. The two alternate, each
run is held against the C loop right after it, and each pair is one ratio.

The paths differ in little: one integer is compared for each socket in both, and once for each
batch the real one looks for sockets that were cut short or are behind, and notes what was sent
when. So the goal is met when the ratio cannot be told from 1.
"""

from typing import Final

from bench.fanout import PACES, FanoutRun, run_once
from bench.fanout_pairs import cost_figures
from bench.programs import Cores
from bench.report import show
from bench.stack import BenchStack

PAIRS: Final = 5
BARE: Final = "bench.bare_gateway"
LARGEST_BUFFER: Final = "16777216"


def measure(cores: Cores) -> None:
    """Alternate both gateways and show the medians, and that of the ratios."""
    pairs = [(_run(cores, is_bare=True), _run(cores, is_bare=False)) for _ in range(PAIRS)]
    show(
        "flow: the fan-out with flow control and without",
        cost_figures(pairs, without="without", with_it="with"),
    )


def _run(cores: Cores, *, is_bare: bool) -> FanoutRun:
    with BenchStack(cores) as stack:
        stack.start_worker(cores.load)
        if is_bare:
            # A small send buffer makes slowness show early; without lanes it serves nothing.
            settings = {"GATEWAY_SEND_BUFFER_BYTES": LARGEST_BUFFER}
            gateway = stack.start_gateway(cores.server, module=BARE, **settings)
        else:
            gateway = stack.start_gateway(cores.server)
        return run_once(stack, gateway, cores, PACES[0])
