"""What a gateway says of itself with every heartbeat, for its peers and the command line."""

import resource
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from fanwire.core.clock import now_ms, wall_ms
from fanwire.core.heartbeats import GatewayHeartbeat
from gateway.connection.registry import ConnectionRegistry
from gateway.delivery.delivery import Delivery
from gateway.edge.admission import Admission
from gateway.flow_control.monitor import FlowMonitor
from shared.telemetry.loop_lag import LoopLag


def _version() -> str:
    try:
        return version("fanwire")
    except PackageNotFoundError:  # the image has the sources without the wheel
        return "unknown"


VERSION: Final = _version()
BEGUN_MS: Final = now_ms()


@dataclass(frozen=True, slots=True)
class NodeState:
    """Plain counts and sums; nothing here is counted for its own sake."""

    registry: ConnectionRegistry
    admission: Admission
    delivery: Delivery
    monitor: FlowMonitor
    loop_lag: LoopLag
    max_connections: int

    def heartbeat(self) -> GatewayHeartbeat:
        """Return the state of this moment, without what the canary heard."""
        feed, monitor = self.delivery.feed, self.monitor
        return GatewayHeartbeat(
            at_ms=int(wall_ms()),
            connections=len(self.registry),
            version=VERSION,
            up_ms=round(now_ms() - BEGUN_MS),
            draining=self.admission.is_draining,
            topics=len(self.delivery.hub),
            events=feed.events_delivered,
            p99_ms=feed.stats.p99_ms(),
            loop_lag_ms=self.loop_lag.worst_s * 1000,
            quarantined=monitor.quarantined_count,
            dropped=monitor.counters.events_dropped.total(),
            evicted=monitor.counters.evicted.total(),
            lane_bytes=monitor.lane_bytes().total(),
            max_connections=self.max_connections,
            fd_limit=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        )
