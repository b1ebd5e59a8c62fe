"""What a gateway says of itself with every heartbeat, for its peers and the command line."""

import resource
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from gateway.delivery.delivery import Delivery
from gateway.edge.admission import Admission
from gateway.flow_control.monitor import FlowMonitor
from shared.runtime import now_ms
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

    admission: Admission
    delivery: Delivery
    monitor: FlowMonitor
    loop_lag: LoopLag
    max_connections: int

    def __call__(self) -> dict[str, object]:
        """Return the state of this moment."""
        feed, monitor = self.delivery.feed, self.monitor
        return {
            "version": VERSION,
            "upMs": round(now_ms() - BEGUN_MS),
            "draining": self.admission.is_draining,
            "topics": len(self.delivery.hub),
            "events": feed.events_delivered,
            "p99Ms": feed.stats.p99_ms(),
            "loopLagMs": self.loop_lag.worst_s * 1000,
            "quarantined": monitor.quarantined_count,
            "dropped": monitor.counters.events_dropped.total(),
            "evicted": monitor.counters.evicted.total(),
            "laneBytes": monitor.lane_bytes().total(),
            "maxConnections": self.max_connections,
            "fdLimit": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        }
