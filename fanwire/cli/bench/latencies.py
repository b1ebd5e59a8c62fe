"""Latencies in buckets of a tenth of a millisecond, and the bounds put on them."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fanwire.cli.mistakes import UsageMistake
from fanwire.errors import shortened

_PER_MS: Final = 10
"""A tenth of a millisecond is finer than any bound that --slo is asked for."""

_SLO: Final = re.compile(r"(p50|p95|p99|max)=(\d+(?:\.\d+)?)(ms|s)").fullmatch

QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
"""Those that latencies are commonly promised in."""


class Latencies:
    """A histogram; its memory depends on the spread, not on the number of events."""

    def __init__(self, buckets: Mapping[int, int] | None = None) -> None:
        self._counts = Counter(buckets or {})

    @property
    def buckets(self) -> dict[int, int]:
        """The counts, by tenths of a millisecond."""
        return dict(self._counts)

    def add(self, ms: float) -> None:
        """Count one latency; a clock that was set back in between counts as none."""
        self._counts[max(0, round(ms * _PER_MS))] += 1

    def merge(self, other: "Latencies") -> None:
        """Count what another has counted."""
        self._counts.update(other.buckets)

    def at(self, quantile: float) -> float:
        """Return the latency in ms that this share of the events did not exceed."""
        total = self._counts.total()
        seen = 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= quantile * total:
                return bucket / _PER_MS
        return 0.0


@dataclass(frozen=True, slots=True)
class Slo:
    """A bound on one quantile."""

    name: str
    limit_ms: float

    def is_met(self, latencies: Latencies) -> bool:
        """Tell whether the bound held."""
        return latencies.at(QUANTILES[self.name]) <= self.limit_ms


def parse_slo(text: str) -> Slo:
    """Return the bound that a text like `p99=50ms` spells.

    Raises:
        UsageMistake: If it is none.
    """
    match = _SLO(text)
    if match is None:
        raise UsageMistake(f"--slo {shortened(text)} is not like p99=50ms")
    return Slo(match[1], float(match[2]) * (1000 if match[3] == "s" else 1))
