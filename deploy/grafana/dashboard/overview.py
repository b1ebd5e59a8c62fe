"""What somebody who was woken looks at first: is it delivered, to how many, how late."""

from typing import Final

from deploy.grafana.dashboard.panel import Panel
from deploy.grafana.dashboard.promql import highest, increase, quantile, rate, total
from fanwire.core.keys import PARTITION_COUNT
from shared.telemetry import names

TITLE: Final = "Overview"

PANELS: Final = (
    Panel(
        "Sockets", "Open sockets of all gateways.", "short",
        (("sockets", total(names.CONNECTIONS_ACTIVE)),), ("FanwireGatewayFull",), width=6,
    ),
    Panel(
        "Delivery p99", "From an event's entry in Redis to the write to the last socket, all "
        "services. 200 ms is aimed at: the longest window, 150 ms, and 50 ms for the way.", "s",
        (("p99", quantile(0.99, names.DELIVERY_LATENCY)),), ("FanwireDeliverySlow",),
        limit=0.3, width=6,
    ),
    Panel(
        "Events", "Events committed by workers, per second.", "cps",
        (("events", rate(names.FANOUT_EVENTS)),), width=6,
    ),
    Panel(
        "Frames", "Live batch frames, counted for each socket that they were for.", "cps",
        (("frames", rate(names.FRAMES_SENT)),), width=6,
    ),
    Panel(
        "Partitions without owner", "Orgs in them are not fanned out. 0 but for the 4 s of a "
        "takeover.", "short",
        (("partitions", f"{PARTITION_COUNT} - ({total(names.PARTITIONS_HELD)} or vector(0))"),),
        ("FanwirePartitionsUnowned", "FanwireTargetDown"), limit=1, width=6,
    ),
    Panel(
        "Dead letters", "Entries set aside within the time that is shown.", "short",
        (("entries", increase(names.DEAD_LETTERED)),), ("FanwireDeadLetters",),
        limit=1, width=6,
    ),
    Panel(
        "Canary age", "Longest time since a gateway last heard the canary, an event that goes the "
        "whole way.", "s", (("oldest", highest(names.CANARY_AGE)),), ("FanwireGatewayDeaf",),
        limit=30, width=6,
    ),
    Panel(
        "Sockets in quarantine", "From which the low tier, at least, is kept now.", "short",
        (("sockets", f"max({total(names.QUARANTINE_ACTIVE, names.TIER)}) or vector(0)"),),
        ("FanwireQuarantines", "FanwireDrops"), width=6,
    ),
)  # fmt: skip
