"""How long to wait before the next attempt.

Full jitter: any wait between nothing and the cap is equally likely, so that clients cut off
together do not come back together.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackoffLimits:
    """The cap of the first wait, which doubles from try to try, and the cap of all."""

    first_ms: float = 250
    """All clients of a killed gateway are back within it; one that blinked is asked again at
    once."""
    longest_ms: float = 20_000
    """Long enough for a gateway in trouble to recover, short enough for a person to wait."""


def backoff_ms(attempt: int, chance: float, limits: BackoffLimits) -> float:
    """Return the wait before a try that follows `attempt` failed ones (0 for none)."""
    # The exponent is cut: a client that has tried all night must not overflow a float.
    cap_ms = min(limits.first_ms * 2.0 ** min(attempt, 32), limits.longest_ms)
    return cap_ms * chance
