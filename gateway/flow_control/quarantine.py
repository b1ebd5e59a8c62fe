"""When a lagging socket stops getting the less important traffic, and when it gets it again.

A socket is over when too much waits for it, for too long, or when its acks lag. Once may be a
hiccup; at the second check its low tier is shed, and if that does not help, its normal tier.
What is critical or high is never shed: a socket that cannot take even that is ended by the
hard limit. Before a tier is shed, what waits of it is conflated, which may be relief enough.

It clears early after `well_ms` of health. A relapse soon after doubles the time, so that a
socket at the edge of its capacity does not swing in and out.

Every transition is a row of NEXT_PHASE; the diagram in docs/flow_control.md is drawn from it.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from fanwire.core.tiers import Tier


class QuarantinePhase(Enum):
    """How a socket keeps up."""

    STEADY = "steady"
    SUSPECTED = "suspected"  # over at one check
    SHEDDING_LOW = "shedding_low"
    STRAINED = "strained"  # the low tier is shed, and over all the same
    SHEDDING_NORMAL = "shedding_normal"  # low and normal are shed


class Sign(Enum):
    """What a check finds."""

    OVER = "over"
    CALM = "calm"
    RECOVERED = "recovered"  # well for long enough, or calm when the time is up
    OVERRUN = "overrun"  # over the hard limit: no time for a second check


NEXT_PHASE: Final[dict[tuple[QuarantinePhase, Sign], QuarantinePhase]] = {
    (QuarantinePhase.STEADY, Sign.OVER): QuarantinePhase.SUSPECTED,
    (QuarantinePhase.STEADY, Sign.CALM): QuarantinePhase.STEADY,
    (QuarantinePhase.STEADY, Sign.RECOVERED): QuarantinePhase.STEADY,
    (QuarantinePhase.STEADY, Sign.OVERRUN): QuarantinePhase.SHEDDING_LOW,
    (QuarantinePhase.SUSPECTED, Sign.OVER): QuarantinePhase.SHEDDING_LOW,
    (QuarantinePhase.SUSPECTED, Sign.CALM): QuarantinePhase.STEADY,
    (QuarantinePhase.SUSPECTED, Sign.RECOVERED): QuarantinePhase.STEADY,
    (QuarantinePhase.SUSPECTED, Sign.OVERRUN): QuarantinePhase.SHEDDING_LOW,
    (QuarantinePhase.SHEDDING_LOW, Sign.OVER): QuarantinePhase.STRAINED,
    (QuarantinePhase.SHEDDING_LOW, Sign.CALM): QuarantinePhase.SHEDDING_LOW,
    (QuarantinePhase.SHEDDING_LOW, Sign.RECOVERED): QuarantinePhase.STEADY,
    (QuarantinePhase.SHEDDING_LOW, Sign.OVERRUN): QuarantinePhase.SHEDDING_NORMAL,
    (QuarantinePhase.STRAINED, Sign.OVER): QuarantinePhase.SHEDDING_NORMAL,
    (QuarantinePhase.STRAINED, Sign.CALM): QuarantinePhase.SHEDDING_LOW,
    (QuarantinePhase.STRAINED, Sign.RECOVERED): QuarantinePhase.STEADY,
    (QuarantinePhase.STRAINED, Sign.OVERRUN): QuarantinePhase.SHEDDING_NORMAL,
    (QuarantinePhase.SHEDDING_NORMAL, Sign.OVER): QuarantinePhase.SHEDDING_NORMAL,
    (QuarantinePhase.SHEDDING_NORMAL, Sign.CALM): QuarantinePhase.SHEDDING_NORMAL,
    (QuarantinePhase.SHEDDING_NORMAL, Sign.RECOVERED): QuarantinePhase.STEADY,
    (QuarantinePhase.SHEDDING_NORMAL, Sign.OVERRUN): QuarantinePhase.SHEDDING_NORMAL,
}

_SHED: Final[dict[QuarantinePhase, frozenset[Tier]]] = {
    QuarantinePhase.STEADY: frozenset(),
    QuarantinePhase.SUSPECTED: frozenset(),
    QuarantinePhase.SHEDDING_LOW: frozenset({Tier.LOW}),
    QuarantinePhase.STRAINED: frozenset({Tier.LOW}),
    QuarantinePhase.SHEDDING_NORMAL: frozenset({Tier.LOW, Tier.NORMAL}),
}
_CONFLATED: Final[dict[QuarantinePhase, Tier]] = {
    QuarantinePhase.SUSPECTED: Tier.LOW,
    QuarantinePhase.STRAINED: Tier.NORMAL,
}


@dataclass(frozen=True, slots=True)
class QuarantineLimits:
    """What is too much, and how long a quarantine lasts."""

    backlog_bytes: int = 262_144
    """GATEWAY_LAGGING_BYTES by default: four times the send buffer of a socket."""
    age_ms: float = 2_000
    """GATEWAY_LAGGING_MS by default: what is two seconds old is no longer live."""
    ack_lag_ms: float = 2_000
    """The same; acks come once a second, so one may be late."""
    spell_ms: float = 30_000
    """GATEWAY_QUARANTINE_MS by default: long enough for a phone to leave a tunnel."""
    longest_spell_ms: float = 120_000
    """Four times the setting: beyond it a page is better off with a fresh start."""
    well_ms: float = 3_000
    """Three checks in a row: a pause between two bursts is not health."""
    well_share: float = 0.25
    """Far enough below the limit not to be over it with the next batch."""
    relapse_ms: float = 300_000
    """As long as the log keeps what was withheld (FANOUT_RETENTION_S)."""


@dataclass(frozen=True, slots=True)
class SocketLoad:
    """How far a socket lags at a check."""

    backlog_bytes: int
    oldest_age_ms: float
    ack_lag_ms: float


@dataclass(frozen=True, slots=True)
class Entered:
    """More is shed from now on, until the given time at most."""

    shed: frozenset[Tier]
    until_ms: float


@dataclass(frozen=True, slots=True)
class Cleared:
    """Nothing is shed any more."""

    after_ms: float


@dataclass(frozen=True, slots=True)
class Conflate:
    """Merge what waits of this tier; it may be relief enough."""

    tier: Tier


QuarantineVerdict = Entered | Cleared | Conflate | None


class Quarantine:
    """One socket's state. Plain; `check` returns what changed."""

    __slots__ = ("_cleared_ms", "_entered_ms", "_limits", "_spell_ms", "_well_since_ms", "phase",
                 "until_ms")  # fmt: skip

    def __init__(self, limits: QuarantineLimits) -> None:
        self._limits = limits
        self._spell_ms = limits.spell_ms
        self._cleared_ms = float("-inf")
        self._entered_ms = 0.0
        self._well_since_ms: float | None = None
        self.until_ms = 0.0
        self.phase = QuarantinePhase.STEADY

    @property
    def shed(self) -> frozenset[Tier]:
        """The tiers that the socket does not get."""
        return _SHED[self.phase]

    def spell_so_far_ms(self, *, now_ms: float) -> float:
        """Return for how long something has been shed."""
        return now_ms - self._entered_ms if self.shed else 0.0

    def is_idle(self, *, now_ms: float) -> bool:
        """Tell whether nothing of this state is worth remembering."""
        return (
            self.phase is QuarantinePhase.STEADY
            and now_ms - self._cleared_ms > self._limits.relapse_ms
        )

    def check(self, load: SocketLoad, *, now_ms: float) -> QuarantineVerdict:
        """Take note of the load and return what is to be done."""
        before = self.phase
        self.phase = NEXT_PHASE[before, self._sign(load, now_ms)]
        if self.phase is before:
            return None
        if self.phase in _CONFLATED:
            return Conflate(_CONFLATED[self.phase])
        if self.shed > _SHED[before]:
            return self._enter(now_ms)
        return self._clear(now_ms) if _SHED[before] and not self.shed else None

    def overrun(self, *, now_ms: float) -> Entered | None:
        """Shed one tier more at once; None if there is none that may be shed."""
        before = self.shed
        self.phase = NEXT_PHASE[self.phase, Sign.OVERRUN]
        self._well_since_ms = None
        return self._enter(now_ms) if self.shed > before else None

    def _sign(self, load: SocketLoad, now_ms: float) -> Sign:
        if self._is_over(load):
            self._well_since_ms = None
            return Sign.OVER
        if not self._is_well(load):
            self._well_since_ms = None
        elif self._well_since_ms is None:
            self._well_since_ms = now_ms
        well_ms = 0.0 if self._well_since_ms is None else now_ms - self._well_since_ms
        has_recovered = well_ms >= self._limits.well_ms or now_ms >= self.until_ms
        return Sign.RECOVERED if has_recovered else Sign.CALM

    def _is_over(self, load: SocketLoad) -> bool:
        limits = self._limits
        return (
            load.backlog_bytes > limits.backlog_bytes
            or load.oldest_age_ms > limits.age_ms
            or load.ack_lag_ms > limits.ack_lag_ms
        )

    def _is_well(self, load: SocketLoad) -> bool:
        return load.backlog_bytes < self._limits.backlog_bytes * self._limits.well_share

    def _enter(self, now_ms: float) -> Entered:
        if self.shed == {Tier.LOW}:
            relapsed = now_ms - self._cleared_ms <= self._limits.relapse_ms
            doubled_ms = min(2 * self._spell_ms, self._limits.longest_spell_ms)
            self._spell_ms = doubled_ms if relapsed else self._limits.spell_ms
            self._entered_ms = now_ms
        self.until_ms = now_ms + self._spell_ms
        return Entered(self.shed, self.until_ms)

    def _clear(self, now_ms: float) -> Cleared:
        self._cleared_ms = now_ms
        return Cleared(after_ms=now_ms - self._entered_ms)
