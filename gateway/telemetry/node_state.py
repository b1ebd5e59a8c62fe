"""What a gateway says of itself with every heartbeat, for its peers and the command line."""

import resource
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from gateway.gateway import Gateway
from shared.runtime import now_ms


def _version() -> str:
    try:
        return version("fanwire")
    except PackageNotFoundError:  # the image has the sources without the wheel
        return "unknown"


VERSION: Final = _version()
BEGUN_MS: Final = now_ms()


def vital_signs(gateway: Gateway) -> dict[str, object]:
    """Return plain counts and sums; nothing here is counted for its own sake."""
    flow, stats = gateway.flow, gateway.feed.stats
    return {
        "version": VERSION,
        "upMs": round(now_ms() - BEGUN_MS),
        "draining": gateway.admission.is_draining,
        "topics": len(gateway.hub),
        "events": gateway.feed.events_delivered,
        "p99Ms": stats.p99_ms(),
        "loopLagMs": gateway.signals.loop_lag.worst_s * 1000,
        "quarantined": flow.quarantined_count,
        "dropped": flow.counters.events_dropped.total(),
        "evicted": flow.counters.evicted.total(),
        "laneBytes": flow.lane_bytes().total(),
        "maxConnections": gateway.settings.max_connections,
        "fdLimit": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        # Not for show: by these its peers know whether they are deaf.
        **gateway.canary.beat(),
    }
