"""What browsers report of their own delivery, kept as plain counts until a metrics reader asks.

Names come from outside, so they are few: beyond MAX_SERVICES all others share one row. Otherwise
a token for every service could fill the memory with names of its own making.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MAX_SERVICES: Final = 256
"""More than any deployment has; the names are the clients' own."""

OTHER: Final = "_other"


@dataclass(slots=True)
class ServiceHealth:
    """Sums over all reports of one service."""

    delivered_count: int = 0
    suppressed_count: int = 0
    reconnect_count: int = 0
    gap_count: int = 0


@dataclass(frozen=True, slots=True)
class ServiceDelivery:
    """What one client counted for one service since its last report."""

    delivered_count: int
    suppressed_count: int
    reconnect_count: int
    gap_count: int
    p95_latency_ms: float | None
    """None if it measured none."""


class ClientHealth:
    """The sums of this process, by service."""

    def __init__(self, max_services: int = MAX_SERVICES) -> None:
        self._max_services = max_services
        self._services: dict[str, ServiceHealth] = {}
        self.report_count = 0

    @property
    def services(self) -> Mapping[str, ServiceHealth]:
        """The sums, by service."""
        return self._services

    def record(self, deliveries: Mapping[str, ServiceDelivery]) -> None:
        """Add one client's report."""
        self.report_count += 1
        for service, delivery in deliveries.items():
            _add(self._row(service), delivery)

    def _row(self, service: str) -> ServiceHealth:
        if service not in self._services and len(self._services) >= self._max_services:
            service = OTHER
        return self._services.setdefault(service, ServiceHealth())


def _add(row: ServiceHealth, delivery: ServiceDelivery) -> None:
    row.delivered_count += delivery.delivered_count
    row.suppressed_count += delivery.suppressed_count
    row.reconnect_count += delivery.reconnect_count
    row.gap_count += delivery.gap_count
