"""The values that a gateway records as they happen: once per batch, report or connect."""

from collections.abc import Mapping
from typing import Final

from fanwire.core.keys import Topic
from gateway.delivery.log_entry import LogEntry
from gateway.delivery.stats import Written
from gateway.telemetry.client_health import ServiceDelivery
from shared.telemetry import names
from shared.telemetry.instruments import Instruments
from shared.telemetry.labels import ServiceLabels

APPLIED: Final = "applied"
FAILED: Final = "failed"


class Histograms:
    """Every histogram of a gateway."""

    def __init__(self, instruments: Instruments, labels: ServiceLabels) -> None:
        self._labels = labels
        self._latency = instruments.histogram(names.DELIVERY_LATENCY)
        self._replayed = instruments.histogram(names.RESUME_REPLAYED)
        self._applied = instruments.histogram(names.SUBSCRIPTIONS_APPLIED)
        self._client_latency = instruments.histogram(names.CLIENT_LATENCY)

    def delivered(
        self, topic: Topic, entry: LogEntry, written: Written, *, begun_ns: int, age_ms: float
    ) -> None:
        """Record a batch that was written to its last socket."""
        self._latency(age_ms / 1000, self._labels.of(topic.service))

    def resumed(self, event_count: int) -> None:
        """Record how much a resume had missed."""
        self._replayed(event_count)

    def applied(self, after_ms: float, *, is_applied: bool) -> None:
        """Record one turn of subscription changes."""
        self._applied(after_ms / 1000, APPLIED if is_applied else FAILED)

    def reported(self, deliveries: Mapping[str, ServiceDelivery]) -> None:
        """Record what a client measured."""
        for service, delivery in deliveries.items():
            if delivery.p95_latency_ms is not None:
                self._client_latency(delivery.p95_latency_ms / 1000, self._labels.of(service))
