"""Which services have series of their own; all others share one.

Services are named by publishers and tokens, so there may be any number of them, and each would
cost every metric a series in every process for ever. Only what the deployment itself has named is
told apart: the built-in tiers, REALTIME_TIERS and REALTIME_METRIC_SERVICES. The canary is told
apart from them all.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from fanwire.core.keys import CANARY

OTHER: Final = "_other"


class ServiceLabels:
    """The allow-list of `service` labels."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(known) | {CANARY.service}

    def of(self, service: str) -> str:
        """Return the label of a service."""
        return service if service in self._known else OTHER

    def sums(self, counts: Iterable[tuple[str, float]]) -> Mapping[tuple[str, ...], float]:
        """Return counts of services as rows, added up where services share a label."""
        rows: dict[tuple[str, ...], float] = {}
        for service, count in counts:
            row = (self.of(service),)
            rows[row] = rows.get(row, 0) + count
        return rows

    def peaks(self, values: Iterable[tuple[str, float]]) -> Mapping[tuple[str, ...], float]:
        """Return values of services as rows, the highest where services share a label."""
        rows: dict[tuple[str, ...], float] = {}
        for service, value in values:
            row = (self.of(service),)
            rows[row] = max(value, rows.get(row, value))
        return rows
