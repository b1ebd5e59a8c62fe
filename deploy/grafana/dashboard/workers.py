"""From what is published to what is committed."""

from typing import Final

from deploy.grafana.dashboard.panel import Panel
from deploy.grafana.dashboard.promql import INSTANCE, highest, mean, rate, total
from shared.telemetry import names

TITLE: Final = "Workers"

PANELS: Final = (
    Panel(
        "Lag", "Age of the oldest event that is read and not committed, by Redis' clock.", "s",
        (("{{service}}", highest(names.FANOUT_LAG, names.SERVICE)),), ("FanwireFanoutLag",),
        limit=2,
    ),
    Panel(
        "Backlog", "Entries that are published and not committed.", "short",
        (("{{service}}", total(names.FANOUT_BACKLOG, names.SERVICE)),), ("FanwireBacklog",),
    ),
    Panel(
        "Committed", "Events, and the batches that they left in.", "cps",
        (("events", rate(names.FANOUT_EVENTS)), ("batches", rate(names.FANOUT_BATCHES))),
    ),
    Panel(
        "Window", "The longest among the topics of a service: 30 ms when quiet, 150 ms when busy.",
        "ms", (("{{service}}", highest(names.BATCH_WINDOW, names.SERVICE)),),
    ),
    Panel(
        "Events of a batch", "The mean; more share the cost of a frame.", "short",
        (("{{service}}", mean(names.BATCH_SIZE, names.SERVICE)),),
    ),
    Panel(
        "Partitions", "Of 128, which the workers share.", "short",
        (("{{instance}}", total(names.PARTITIONS_HELD, INSTANCE)),),
        ("FanwirePartitionsUnowned",), is_stacked=True,
    ),
    Panel(
        "Leases", "Gained and ended unasked, and terms begun. All move when a worker starts or "
        "ends; in between none should.", "cps",
        (("gained", rate(names.PARTITIONS_TAKEN)), ("lost", rate(names.PARTITIONS_LOST)),
         ("terms", rate(names.TERMS))),
    ),
    Panel(
        "Topics", "That each worker fans out, and that each gateway follows.", "short",
        (("worker {{instance}}", total(names.TOPICS_OPEN, INSTANCE)),
         ("gateway {{instance}}", total(names.TOPICS_HELD, INSTANCE))),
    ),
    Panel(
        "Dead letters", "By reason; input_gap: somebody else removed entries unread. "
        "fanwire topics dead ORG SERVICE lists them.", "cps",
        (("{{service}}, {{reason}}", rate(names.DEAD_LETTERED, names.SERVICE, names.REASON)),
         ("input gaps", rate(names.INPUT_GAPS))),
        ("FanwireDeadLetters",),
    ),
    Panel(
        "Duplicates", "repeat: the same id with the same content. conflict: with another.", "cps",
        (("{{service}}, {{reason}}", rate(names.DUPLICATES, names.SERVICE, names.REASON)),),
    ),
    Panel(
        "Under pressure", "throttled: reads that left a topic out. pruned: events that gave way to "
        "later ones of their entity.", "cps",
        (("throttled, {{service}}", rate(names.THROTTLED, names.SERVICE)),
         ("pruned, {{tier}}", rate(names.PRUNED, names.TIER))),
        ("FanwireBacklog",),
    ),
    Panel(
        "Refused commits", "stale: the topic had moved on, as after a takeover. set aside: a topic "
        "that could not be worked on.", "cps",
        (("stale", rate(names.STALE_COMMITS)), ("set aside", rate(names.TOPICS_SET_ASIDE))),
        ("FanwireTopicSetAside",),
    ),
)  # fmt: skip
