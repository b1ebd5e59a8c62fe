"""How often something may be logged: a burst, then one line in a while.

An outage makes every loop of a server fail several times a second, each time with the same line.
What is left out is counted, and told by the next line of that event that is let through.

Pure: told the time, so that the rule can be tested without a clock.
"""

from dataclasses import dataclass
from typing import Final

BURST: Final = 3
"""The first, one more, and one to show that it goes on."""

REFILL_MS: Final = 60_000.0
"""An outage of an hour makes sixty lines of each kind."""

MAX_EVENTS: Final = 1_000
"""Far more event names than there are in the code; a bound all the same."""


@dataclass(slots=True)
class _Allowance:
    lines: float
    at_ms: float
    suppressed: int = 0


class LogLimit:
    """The allowance of each event name. Bound: MAX_EVENTS names; then all begin again."""

    def __init__(self, *, burst: int = BURST, refill_ms: float = REFILL_MS) -> None:
        self._burst = burst
        self._refill_ms = refill_ms
        self._events: dict[str, _Allowance] = {}

    def spend(self, event: str, *, now_ms: float) -> int | None:
        """Return how many lines were left out since the last one; None to leave this one out."""
        if event not in self._events and len(self._events) >= MAX_EVENTS:
            self._events.clear()
        held = self._events.setdefault(event, _Allowance(self._burst, now_ms))
        grown = (now_ms - held.at_ms) / self._refill_ms
        held.lines, held.at_ms = min(held.lines + grown, float(self._burst)), now_ms
        if held.lines < 1:
            held.suppressed += 1
            return None
        held.lines -= 1
        suppressed, held.suppressed = held.suppressed, 0
        return suppressed
