"""How fast, how much, and what the pages see of it."""

from typing import Final

from deploy.grafana.dashboard.panel import Panel
from deploy.grafana.dashboard.promql import INSTANCE, quantile, rate
from shared.telemetry import names

TITLE: Final = "Delivery"

PANELS: Final = (
    Panel(
        "p99 by service", "From entry to the last socket of a gateway; once per batch and gateway. "
        "Redis and the gateways each go by their own clock.", "s",
        (("{{service}}", quantile(0.99, names.DELIVERY_LATENCY, names.SERVICE)),),
        ("FanwireDeliverySlow",), limit=0.3,
    ),
    Panel(
        "p50 by service", "Half of the batches are faster.", "s",
        (("{{service}}", quantile(0.5, names.DELIVERY_LATENCY, names.SERVICE)),),
    ),
    Panel(
        "p99 by gateway", "One above the others is overloaded, or its clock is off.", "s",
        (("{{instance}}", quantile(0.99, names.DELIVERY_LATENCY, INSTANCE)),),
        ("FanwireDeliverySlow",), limit=0.3,
    ),
    Panel(
        "Frames sent", "Live batch frames, counted for each socket.", "cps",
        (("{{service}}", rate(names.FRAMES_SENT, names.SERVICE)),), is_stacked=True,
    ),
    Panel(
        "Bytes sent", "Of those frames; replays and control frames not included.", "Bps",
        (("{{service}}", rate(names.BYTES_SENT, names.SERVICE)),), is_stacked=True,
    ),
    Panel(
        "Events fanned out, and filtered", "Fanned out: once per gateway. Filtered: for each "
        "socket from which its property filter kept an event.", "cps",
        (("fanned out", rate(names.EVENTS_DELIVERED)), ("filtered", rate(names.EVENTS_FILTERED))),
    ),
    Panel(
        "Published over HTTP", "Events; a bare XADD and the SDK are not counted here.", "cps",
        (("{{service}}", rate(names.EVENTS_PUBLISHED, names.SERVICE)),), is_stacked=True,
    ),
    Panel(
        "Refused publishes", "Requests, by the name of the error, docs/errors.md.", "cps",
        (("{{reason}}", rate(names.PUBLISHES_REJECTED, names.REASON)),), is_stacked=True,
    ),
    Panel(
        "p95 in the page", "What pages measured from entry to their own code, by the clocks of "
        "their devices; the median of the reports.", "s",
        (("{{service}}", quantile(0.5, names.CLIENT_LATENCY, names.SERVICE)),),
    ),
    Panel(
        "Trouble in the page", "Told by pages once a minute.", "cps",
        (("reconnects", rate(names.CLIENT_RECONNECTS)), ("gaps", rate(names.CLIENT_GAPS)),
         ("repeats dropped", rate(names.CLIENT_SUPPRESSED))),
        ("FanwireResets",),
    ),
    Panel(
        "Handed over in the page", "Events, as pages count them, and the reports that say so.",
        "cps",
        (("{{service}}", rate(names.CLIENT_DELIVERED, names.SERVICE)),
         ("reports", rate(names.CLIENT_REPORTS))),
    ),
)  # fmt: skip
