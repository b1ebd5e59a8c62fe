"""Redis as Fanwire's processes see it; its own memory and commands are told by redis_exporter."""

from typing import Final

from deploy.grafana.dashboard.panel import Panel
from deploy.grafana.dashboard.promql import INSTANCE, lowest, rate
from shared.telemetry import names

TITLE: Final = "Redis"

PANELS: Final = (
    Panel(
        "Reached", "1 while a process reaches Redis, 0 during an outage.", "short",
        (("{{instance}}", lowest(names.REDIS_CONNECTED, INSTANCE)),), ("FanwireRedisLost",),
        width=12,
    ),
    Panel(
        "Outages", "Begun, per second. In all processes at once it is Redis, in one the way to it.",
        "cps", (("{{instance}}", rate(names.REDIS_LOST, INSTANCE)),), ("FanwireRedisLost",),
        width=12,
    ),
)  # fmt: skip
