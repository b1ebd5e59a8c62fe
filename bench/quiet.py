"""Whether the machine is quiet enough for its figures to mean something."""

import sys
import time
from pathlib import Path
from typing import Final

LOOK_S: Final = 0.5
TOLERATED_SHARE: Final = 0.05


def warn_if_busy(name: str) -> None:
    """Say on stderr when other programs run: percentiles then measure them as well."""
    share = busy_share()
    if share > TOLERATED_SHARE:
        sys.stderr.write(
            f"bench: before {name}, other programs used {share:.0%} of this machine; "
            "its figures are indicative only\n"
        )


def busy_share() -> float:
    """Return the share of all cores' time that somebody used in the last moment."""
    idle_before, total_before = _ticks()
    time.sleep(LOOK_S)
    idle, total = _ticks()
    return 1.0 - (idle - idle_before) / max(total - total_before, 1)


def _ticks() -> tuple[int, int]:
    line = Path("/proc/stat").read_text().partition("\n")[0]
    # user nice system idle iowait irq softirq steal; what follows is counted in these already.
    ticks = [int(number) for number in line.split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)
