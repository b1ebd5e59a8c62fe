"""What a gateway counts and measures; metrics.py beside it gives it names."""

from dataclasses import dataclass
from typing import Self

from gateway.connection.counters import GatewayCounters
from gateway.delivery.stats import BatchWatch, DeliveryStats
from gateway.flow_control.counters import FlowCounters
from gateway.telemetry.client_health import ClientHealth
from gateway.telemetry.deliver_spans import DeliverSpans
from gateway.telemetry.histograms import Histograms
from gateway.telemetry.publish_counters import PublishCounters
from shared.redis.presence import RedisPresence
from shared.redis.server_clock import ServerClock
from shared.settings.realtime import RealtimeSettings
from shared.telemetry.labels import ServiceLabels
from shared.telemetry.loop_lag import LoopLag
from shared.telemetry.setup import Telemetry


@dataclass(frozen=True, slots=True)
class GatewayTelemetry:
    """Given to the parts that count."""

    telemetry: Telemetry
    labels: ServiceLabels
    histograms: Histograms
    stats: DeliveryStats
    counters: GatewayCounters
    flow_counters: FlowCounters
    presence: RedisPresence
    loop_lag: LoopLag
    client_health: ClientHealth
    clock: ServerClock
    published: PublishCounters

    @classmethod
    def of(cls, telemetry: Telemetry, realtime: RealtimeSettings) -> Self:
        """Return counts of which nothing has happened yet."""
        labels = ServiceLabels(realtime.metric_service_names)
        histograms = Histograms(telemetry.instruments, labels)
        return cls(
            telemetry,
            labels,
            histograms,
            DeliveryStats([histograms, *_tracing(telemetry)]),
            GatewayCounters(),
            FlowCounters(),
            RedisPresence(),
            LoopLag(),
            ClientHealth(),
            ServerClock(),
            PublishCounters(labels),
        )


def _tracing(telemetry: Telemetry) -> list[BatchWatch]:
    return [] if telemetry.tracer is None else [DeliverSpans(telemetry.tracer)]
