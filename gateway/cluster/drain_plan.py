"""When each socket leaves a draining gateway.

Every socket has a slot of its own, spread evenly over the window with a jitter of one slot,
so the other nodes see a steady trickle of reconnects and not one wave.
"""

from collections.abc import Callable


def departures_ms(count: int, *, window_ms: float, chance: Callable[[], float]) -> list[float]:
    """Return `count` ascending moments in [0, window_ms); `chance` gives numbers in [0, 1)."""
    if count == 0:
        return []
    slot_ms = window_ms / count
    return [(i + chance()) * slot_ms for i in range(count)]
