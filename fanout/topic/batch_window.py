"""How long a topic's batch may wait for company.

The window follows how full the last batch was. Batches that come near their maximum earn a
longer window, because every further event shares the same socket writes; nearly empty ones
shorten it, because waiting adds delay and saves nothing. Between the two thresholds the
window stays: without that band it would swing at a steady rate.

The deadline is fixed when the batch opens; moving it later would break the delay promised
to its first event.

Rejected: one cluster-wide tick. All topics would leave together, and that burst is exactly
the tail latency the window is meant to shave.
"""

from dataclasses import dataclass
from typing import Final

WIDEN_AT: Final = 0.5
"""From half full on, company is worth waiting for."""

NARROW_AT: Final = 0.1
"""Far enough below the other threshold that a steady rate does not swing between them."""

_STEP: Final = 1.5
"""From the shortest window to the longest in four batches."""


@dataclass(frozen=True, slots=True)
class WindowLimits:
    """Bounds of the window."""

    shortest_ms: float
    longest_ms: float


def next_window_ms(window_ms: float, *, fill: float, limits: WindowLimits) -> float:
    """Return the window that follows a batch which was filled to `fill`, 0 to 1."""
    if fill >= WIDEN_AT:
        window_ms *= _STEP
    elif fill <= NARROW_AT:
        window_ms /= _STEP
    return min(max(window_ms, limits.shortest_ms), limits.longest_ms)
