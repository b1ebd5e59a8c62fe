"""How often a caller may act: so many at once, so many per second in the long run."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Sustained rate and burst."""

    per_s: float
    burst: float


class TokenBucket:
    """Starts full; a take that finds less than one token is refused and costs nothing."""

    __slots__ = ("_at_ms", "_tokens")

    def __init__(self, limit: RateLimit, *, now_ms: float) -> None:
        self._tokens = limit.burst
        self._at_ms = now_ms

    def spend(self, limit: RateLimit, *, now_ms: float) -> bool:
        """Take one token; False if the caller must wait."""
        refill = max(0.0, now_ms - self._at_ms) * limit.per_s / 1000
        self._tokens = min(limit.burst, self._tokens + refill)
        self._at_ms = now_ms
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def retry_after_ms(self, limit: RateLimit) -> int:
        """Return how long until one token is there."""
        return max(1, int((1 - self._tokens) * 1000 / limit.per_s))
