"""`/metrics/orgs`: which orgs a gateway is busy with.

An org for a label would multiply every metric by the number of customers, so these two stand apart,
to be scraped more seldom or not at all. Only the largest orgs have series of their own.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from fanwire.core.ids import Org
from gateway.connection.registry import ConnectionRegistry
from gateway.delivery.stats import DeliveryStats
from shared.telemetry import names

LARGEST_COUNT: Final = 100
"""A table that a person reads; each is two series in each gateway."""

OTHER: Final = Org("_other")


class OrgCollector(Collector):
    """Reads the orgs of a gateway when somebody scrapes."""

    def __init__(self, registry: ConnectionRegistry, stats: DeliveryStats) -> None:
        self._registry = registry
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        """Yield both metrics."""
        connections = GaugeMetricFamily(
            names.ORG_CONNECTIONS.prometheus_name,
            names.ORG_CONNECTIONS.description,
            labels=names.ORG_CONNECTIONS.attributes,
        )
        for org, count in largest(self._registry.org_counts()):
            connections.add_metric([org], count)
        events = CounterMetricFamily(
            names.ORG_EVENTS.prometheus_name,
            names.ORG_EVENTS.description,
            labels=names.ORG_EVENTS.attributes,
        )
        for org, count in largest(self._stats.org_events):
            events.add_metric([org], count)
        yield connections
        yield events


def org_text(orgs: OrgCollector) -> bytes:
    """Return the page in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(orgs)
    return generate_latest(registry)


def largest(counts: Mapping[Org, int]) -> Iterable[tuple[Org, int]]:
    """Return the largest counts, and the sum of all others as `_other`."""
    every = dict(counts)
    rest = every.pop(OTHER, 0)
    chosen = heapq.nlargest(LARGEST_COUNT, every.items(), key=lambda item: item[1])
    rest += sum(every.values()) - sum(count for _, count in chosen)
    return [*chosen, (OTHER, rest)] if rest else chosen
