"""Sockets that do not keep up, and what they get less of: docs/flow_control.md."""

from typing import Final

from deploy.grafana.dashboard.panel import Panel
from deploy.grafana.dashboard.promql import mean, quantile, rate, total
from shared.telemetry import names

TITLE: Final = "Flow control"

PANELS: Final = (
    Panel(
        "Sockets in quarantine", "From which a tier is kept now; watched: lagging, or lately so.",
        "short",
        (("{{tier}}", total(names.QUARANTINE_ACTIVE, names.TIER)),
         ("watched", total(names.CONNECTIONS_LAGGING))),
        ("FanwireQuarantines",),
    ),
    Panel(
        "Quarantines", "By each tier: begun, given back, and ended with their socket.", "cps",
        (("entered, {{tier}}", rate(names.QUARANTINE_ENTERED, names.TIER)),
         ("cleared, {{tier}}", rate(names.QUARANTINE_CLEARED, names.TIER)),
         ("ended, {{tier}}", rate(names.QUARANTINE_ENDED, names.TIER))),
        ("FanwireQuarantines",),
    ),
    Panel(
        "Time in quarantine", "Seconds that ended per second: as many sockets are in it on "
        "average.", "short", (("sockets", rate(names.QUARANTINE_TIME)),),
    ),
    Panel(
        "Services withheld", "Times that one was kept from a socket for a while. burst: left to "
        "the log for a moment. hidden: the page is not seen.", "cps",
        (("{{tier}}, {{reason}}", rate(names.SERVICES_WITHHELD, names.TIER, names.REASON)),),
    ),
    Panel(
        "Events dropped", "conflated: a later event of the same entity took the place. overflow: "
        "too many for a replay, so a reset.", "cps",
        (("{{tier}}, {{reason}}", rate(names.EVENTS_DROPPED, names.TIER, names.REASON)),),
        ("FanwireDrops",),
    ),
    Panel(
        "Sockets ended", "overrun: what may not be withheld is over the hard limit. stuck: it "
        "took nothing for longer than the longest quarantine.", "cps",
        (("{{reason}}", rate(names.CONNECTIONS_EVICTED, names.REASON)),), ("FanwireEvictions",),
    ),
    Panel(
        "Waiting in lanes", "Unsent bytes of all sockets, at most GATEWAY_HARD_LIMIT_BYTES each.",
        "bytes", (("{{tier}}", total(names.LANES_BYTES, names.TIER)),), is_stacked=True,
    ),
    Panel(
        "Subscription changes", "From the ring of a change to its effect on the sockets of a "
        "gateway.", "s",
        (("p99, {{result}}", quantile(0.99, names.SUBSCRIPTIONS_APPLIED, names.RESULT)),
         ("mean, {{result}}", mean(names.SUBSCRIPTIONS_APPLIED, names.RESULT))),
    ),
)  # fmt: skip
