"""The processes themselves."""

from typing import Final

from deploy.grafana.dashboard.panel import Panel
from deploy.grafana.dashboard.promql import INSTANCE, highest
from shared.telemetry import names

TITLE: Final = "Runtime"

_OURS: Final = 'job=~"gateway|fanout", instance=~"$instance"'

PANELS: Final = (
    Panel(
        "Loop lag", "The latest that an event loop came back to a timer within 15 s: what any "
        "socket would have waited.", "s",
        (("{{instance}}", highest(names.LOOP_LAG, INSTANCE)),), ("FanwireLoopLag",), limit=0.1,
    ),
    Panel(
        "CPU", "Cores that a process uses. It has one thread for its work: 1 is all of it.",
        "short",
        (("{{instance}}", f"rate(process_cpu_seconds_total{{{_OURS}}}[$__rate_interval])"),),
        ("FanwireLoopLag",), limit=0.9,
    ),
    Panel(
        "Memory", "Resident.", "bytes",
        (("{{instance}}", f"process_resident_memory_bytes{{{_OURS}}}"),),
    ),
    Panel(
        "Open files", "Share of the limit (ulimit -n); a socket is one.", "percentunit",
        (("{{instance}}", f"process_open_fds{{{_OURS}}} / process_max_fds{{{_OURS}}}"),),
        ("FanwireGatewayFull",), limit=0.9,
    ),
    Panel(
        "Garbage collections", "By generation; a full one, 2, stops everything.", "cps",
        (("{{instance}}, {{generation}}",
          f"rate(python_gc_collections_total{{{_OURS}}}[$__rate_interval])"),),
    ),
    Panel(
        "Clock", "By how much a machine's clock is ahead of Redis'. Tokens expire by it.", "s",
        (("{{instance}}", highest(names.CLOCK_AHEAD, INSTANCE)),), limit=2,
    ),
    Panel(
        "Uptime", "Saw teeth are restarts.", "s",
        (("{{instance}}", f"time() - process_start_time_seconds{{{_OURS}}}"),),
        ("FanwireTargetDown",),
    ),
)  # fmt: skip
