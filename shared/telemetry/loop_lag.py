"""How late the event loop is: what a callback that takes long does to everything else.

A timer comes back every TICK_S, and what it is late is the wait that any socket would have had.
The worst of a while is kept, so that a reader that comes by every 15 s misses none of it.
"""

import asyncio
from collections import deque
from typing import Final

from fanwire.core.clock import now_ms

TICK_S: Final = 0.1
"""A stall that a person notices is longer; ten wake-ups a second cost nothing."""

KEPT_COUNT: Final = 150
"""15 s of ticks, the interval at which Prometheus reads."""


class LoopLag:
    """Measures the lag of the running loop; `run` must be running."""

    def __init__(self) -> None:
        self._late_ms: deque[float] = deque([0.0], maxlen=KEPT_COUNT)

    @property
    def worst_s(self) -> float:
        """The worst lag of the last 15 s."""
        return max(list(self._late_ms)) / 1000

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due_ms = now_ms() + TICK_S * 1000
            await asyncio.sleep(TICK_S)
            self._late_ms.append(max(now_ms() - due_ms, 0.0))
