"""What a client that was away gets back, and what room that takes."""

from typing import Final

from deploy.grafana.dashboard.panel import Panel
from deploy.grafana.dashboard.promql import INSTANCE, quantile, rate, total
from shared.telemetry import names

TITLE: Final = "Replay"

PANELS: Final = (
    Panel(
        "Resumes", "recovered: nothing was missed. The others are reasons of a reset.", "cps",
        (("{{result}}", rate(names.RESUME_ATTEMPTS, names.RESULT)),), ("FanwireResets",),
        is_stacked=True,
    ),
    Panel(
        "Resumes that end in a reset", "In 30 minutes; 1% is aimed at.", "percentunit",
        (("resets", "cluster:realtime_gateway_resumes_reset:ratio_30m"),), ("FanwireResets",),
        limit=0.01,
    ),
    Panel(
        "Missed by a resume", "Events that a recovered resume was sent.", "short",
        (("p99", quantile(0.99, names.RESUME_REPLAYED)),
         ("p50", quantile(0.5, names.RESUME_REPLAYED))),
    ),
    Panel(
        "Resets of live topics", "Counted once per gateway, not per socket. rolled_back: a "
        "failover of Redis lost events.", "cps",
        (("{{reason}}", rate(names.RESETS, names.REASON)),), ("FanwireResets",),
    ),
    Panel(
        "Replays under way", "At most 64 reads at once; more wait.", "short",
        (("{{instance}}", total(names.CATCH_UPS_ACTIVE, INSTANCE)),),
    ),
    Panel(
        "Replay logs", "What they take up in Redis, roughly, and what they may.", "bytes",
        (("{{tier}}", total(names.REPLAY_BYTES, names.TIER)),
         ("budget", total(names.REPLAY_BUDGET))),
        ("FanwireReplayBudget",),
    ),
    Panel(
        "Trimmed", "age: neither young nor among the last, as it should be. size: over the topic's "
        "own bytes. budget: over those of all.", "cps",
        (("{{tier}}, {{reason}}", rate(names.REPLAY_TRIMMED, names.TIER, names.REASON)),),
        ("FanwireReplayBudget",),
    ),
)  # fmt: skip
