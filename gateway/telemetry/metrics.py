"""What a gateway tells of itself: every metric, and where its value is read."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from fanwire.close_codes import close_rules
from fanwire.core.tiers import Tier
from gateway.connection.counters import GatewayCounters
from gateway.connection.registry import ConnectionRegistry
from gateway.delivery.delivery import Delivery
from gateway.delivery.stats import DeliveryStats, ServiceSums
from gateway.edge.admission import Admission
from gateway.flow_control.monitor import FlowMonitor
from gateway.telemetry.client_health import ClientHealth, ServiceHealth
from gateway.telemetry.telemetry import GatewayTelemetry
from shared.telemetry import names
from shared.telemetry.instruments import Instruments, Rows
from shared.telemetry.labels import ServiceLabels
from shared.telemetry.metric import Metric
from shared.telemetry.runtime import observe_runtime

Name = TypeVar("Name", bound=str)
Reason = TypeVar("Reason", bound=str)

CONTROL_TIER: Final = "control"
KNOWN_CODES: Final = {rule.code for rule in close_rules()} | {
    # What RFC 6455, 7.4.1, names besides ours and is seen here.
    1000, 1001, 1002, 1005, 1006, 1009,
}  # fmt: skip
OTHER_CODE: Final = "other"


@dataclass(frozen=True, slots=True)
class Observed:
    """What the metrics of a gateway are read from."""

    registry: ConnectionRegistry
    delivery: Delivery
    monitor: FlowMonitor
    admission: Admission
    canary_age_ms: Callable[[], float]
    key_age_s: Callable[[], float]


def observe_gateway(telemetry: GatewayTelemetry, observed: Observed) -> None:
    """Register what is read when somebody asks; histograms are in histograms.py beside it."""
    instruments, labels = telemetry.telemetry.instruments, telemetry.labels
    counters, delivery = telemetry.counters, observed.delivery
    observe_runtime(instruments, telemetry.presence, telemetry.loop_lag, telemetry.clock)
    _observe_connections(instruments, counters, observed)
    _observe_delivery(instruments, delivery.feed.stats, labels)
    _observe_flow(instruments, observed.monitor)
    _observe_clients(instruments, telemetry.client_health, labels)
    published = telemetry.published
    instruments.observe(names.EVENTS_PUBLISHED, lambda: _by_name(published.written))
    instruments.observe(names.PUBLISHES_REJECTED, lambda: _by_name(published.rejected))
    instruments.observe(names.RESUME_ATTEMPTS, lambda: _by_name(counters.resumes))
    instruments.observe(names.AUTH_FAILURES, lambda: _by_name(counters.auth_failures))
    instruments.observe(names.KEYS_AGE, observed.key_age_s)
    instruments.observe(names.CATCH_UPS_ACTIVE, lambda: len(delivery.catch_ups))
    instruments.observe(names.CANARY_AGE, lambda: observed.canary_age_ms() / 1000)


def _observe_connections(
    instruments: Instruments, counters: GatewayCounters, observed: Observed
) -> None:
    observe = instruments.observe
    observe(names.CONNECTIONS_ACTIVE, lambda: len(observed.registry))
    observe(names.CONNECTIONS_LIMIT, lambda: observed.admission.max_connections)
    observe(names.CONNECTIONS_OPENED, lambda: counters.opened)
    observe(names.CONNECTIONS_REJECTED, lambda: _by_name(counters.rejected))
    observe(names.CONNECTIONS_CLOSED, lambda: _by_code(counters.closed))
    observe(names.CONNECTIONS_LAGGING, lambda: observed.monitor.watched_count)
    observe(names.TOPICS_HELD, lambda: len(observed.delivery.hub))


def _observe_delivery(
    instruments: Instruments, stats: DeliveryStats, labels: ServiceLabels
) -> None:
    def observe(metric: Metric, count: Callable[[ServiceSums], float]) -> None:
        def read() -> Rows:
            return labels.sums((name, count(sums)) for name, sums in list(stats.services.items()))

        instruments.observe(metric, read)

    observe(names.EVENTS_DELIVERED, lambda sums: sums.events)
    observe(names.FRAMES_SENT, lambda sums: sums.frames)
    observe(names.BYTES_SENT, lambda sums: sums.size_bytes)
    observe(names.EVENTS_FILTERED, lambda sums: sums.filtered)
    instruments.observe(names.RESETS, lambda: _by_name(stats.resets))


def _observe_flow(instruments: Instruments, flow: FlowMonitor) -> None:
    counters, observe = flow.counters, instruments.observe
    observe(names.QUARANTINE_ACTIVE, lambda: _by_name(flow.quarantined()))
    observe(names.QUARANTINE_ENTERED, lambda: _by_name(counters.quarantines_entered))
    observe(names.QUARANTINE_CLEARED, lambda: _by_name(counters.quarantines_cleared))
    observe(names.QUARANTINE_ENDED, lambda: _by_name(counters.quarantines_ended))
    observe(names.QUARANTINE_TIME, lambda: counters.quarantined_ms / 1000)
    observe(names.SERVICES_WITHHELD, lambda: _rows(counters.withheld))
    observe(names.EVENTS_DROPPED, lambda: _rows(counters.events_dropped))
    observe(names.CONNECTIONS_EVICTED, lambda: _by_name(counters.evicted))
    observe(names.LANES_BYTES, lambda: _lanes_bytes(flow.lane_bytes()))


def _observe_clients(instruments: Instruments, health: ClientHealth, labels: ServiceLabels) -> None:
    def observe(metric: Metric, count: Callable[[ServiceHealth], float]) -> None:
        def read() -> Rows:
            return labels.sums((name, count(row)) for name, row in list(health.services.items()))

        instruments.observe(metric, read)

    observe(names.CLIENT_DELIVERED, lambda row: row.delivered_count)
    observe(names.CLIENT_SUPPRESSED, lambda row: row.suppressed_count)
    observe(names.CLIENT_RECONNECTS, lambda row: row.reconnect_count)
    observe(names.CLIENT_GAPS, lambda row: row.gap_count)
    instruments.observe(names.CLIENT_REPORTS, lambda: health.report_count)


def _rows(counts: Mapping[tuple[Name, Reason], int]) -> Rows:
    return {(str(name), str(reason)): count for (name, reason), count in list(counts.items())}


def _lanes_bytes(by_tier: Mapping[Tier | None, int]) -> Rows:
    return {(tier or CONTROL_TIER,): count for tier, count in by_tier.items()}


def _by_name(counts: Mapping[Name, int]) -> Rows:
    return {(str(name),): count for name, count in list(counts.items())}


def _by_code(closed: Mapping[int, int]) -> Rows:
    # A client may close with any number: only those that mean something have a series.
    rows: Counter[tuple[str, ...]] = Counter()
    for code, count in list(closed.items()):
        rows[(str(code) if code in KNOWN_CODES else OTHER_CODE,)] += count
    return rows
