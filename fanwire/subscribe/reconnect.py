"""Whether, and when, a subscriber connects again.

The server's own wait wins over ours. Attempts are counted until a connection has been stable
for a while: a gateway that accepts and drops at once must not be asked ever faster.
"""

from dataclasses import dataclass, field

from fanwire.core.backoff import BackoffLimits, backoff_ms
from fanwire.errors import RealtimeError, Unauthorized


@dataclass(frozen=True, slots=True)
class Wait:
    """Connect again after this long."""

    ms: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Do not connect again: it would fail in the same way."""

    error: RealtimeError


@dataclass(frozen=True, slots=True)
class ReconnectLimits:
    """The waits, and how long a connection must last to count as stable."""

    backoff: BackoffLimits = field(default_factory=BackoffLimits)
    stable_ms: float = 10_000
    """A gateway that accepts and drops at once does so within seconds."""


class Reconnect:
    """Counts the attempts of one subscriber."""

    def __init__(self, limits: ReconnectLimits) -> None:
        self._limits = limits
        self._failed_count = 0
        self._connected_at_ms: float | None = None
        self._was_refused = False

    def connected(self, *, now_ms: float) -> None:
        """Record that a hello arrived."""
        self._connected_at_ms = now_ms
        self._was_refused = False

    def after(self, error: RealtimeError, *, chance: float, now_ms: float) -> Wait | Stop:
        """Return what follows a connection that ended, or could not begin, with `error`."""
        if self._is_final(error):
            return Stop(error)
        if self._was_stable(now_ms):
            self._failed_count = 0
        self._connected_at_ms = None
        attempt, self._failed_count = self._failed_count, self._failed_count + 1
        if error.retry_after_ms is not None:
            return Wait(error.retry_after_ms)
        return Wait(backoff_ms(attempt, chance, self._limits.backoff))

    def _is_final(self, error: RealtimeError) -> bool:
        if not isinstance(error, Unauthorized):
            return not error.retryable
        # One refusal asks for a fresh token; the fresh one refused as well says that no
        # token of this user will do.
        refused_before, self._was_refused = self._was_refused, True
        return refused_before

    def _was_stable(self, now_ms: float) -> bool:
        since_ms = self._connected_at_ms
        return since_ms is not None and now_ms - since_ms >= self._limits.stable_ms
