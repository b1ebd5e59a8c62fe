"""`python -m bench [NAME …]`: runs the named benchmarks, or all of them."""

import argparse
import importlib
import os
import sys
from typing import Final

from bench.programs import Unmeasurable, pick_cores, raise_file_limit
from bench.quiet import warn_if_busy

NAMES: Final = (
    *("baseline", "fanout", "flow", "latency", "isolation", "ingest", "fairness"),
    *("fairness_gateway", "connects", "memory", "stalled", "telemetry"),
)
OPEN_FILES: Final = 11_000


def main() -> int:
    """Run them in order; 1 when the machine does not allow a measurement."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    names = parser.parse_args().names or NAMES
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    try:
        cores = pick_cores()
        raise_file_limit(OPEN_FILES)
        # Publishing is load: it must not take time from the server's core.
        os.sched_setaffinity(0, {cores.load})
        for name in names:
            warn_if_busy(name)
            importlib.import_module(f"bench.{name}").measure(cores)
    except Unmeasurable as problem:
        sys.stderr.write(f"bench: {problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
