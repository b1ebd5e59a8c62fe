"""Every metric that the servers tell: the one place that spells a name.

docs/metrics.md is made from here, and a test holds what the servers register to this list, so a
dashboard or an alert rule that names a metric can be held to it as well.

A `service` is one of the deployment's known services or `_other` (shared/telemetry/labels.py); no
metric has an org, a user, a connection or an event for an attribute.
"""

from typing import Final

from shared.telemetry.metric import Kind, Metric, ToldBy

SERVICE: Final = "service"
TIER: Final = "tier"
REASON: Final = "reason"
RESULT: Final = "result"
CODE: Final = "code"
ORG: Final = "org"

_LATENCY_S: Final = (
    # What is aimed at, 0.2 s, and the alert's 0.3 s are bounds: near them nothing is guessed.
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
_SIZES: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000)
"""By steps of two or so, with a full batch's 200 and the longest replay's 5 000 among them."""


def _gateway(
    name: str,
    kind: Kind,
    unit: str,
    description: str,
    *attributes: str,
    bounds: tuple[float, ...] = (),
) -> Metric:
    return Metric(name, kind, unit, description, ToldBy.GATEWAY, attributes, bounds)


def _fanout(
    name: str,
    kind: Kind,
    unit: str,
    description: str,
    *attributes: str,
    bounds: tuple[float, ...] = (),
) -> Metric:
    return Metric(name, kind, unit, description, ToldBy.FANOUT, attributes, bounds)


DELIVERY_LATENCY: Final = _gateway(
    "realtime.delivery.latency", Kind.HISTOGRAM, "s",
    "From the entry time of a batch's oldest event to the write to the last socket of this "
    "gateway; once per batch. Redis and the gateway each go by their own clock.",
    SERVICE, bounds=_LATENCY_S,
)  # fmt: skip

CONNECTIONS_ACTIVE: Final = _gateway(
    "realtime.gateway.connections.active", Kind.GAUGE, "{connection}", "Open sockets."
)
CONNECTIONS_LIMIT: Final = _gateway(
    "realtime.gateway.connections.limit", Kind.GAUGE, "{connection}",
    "Sockets that this gateway takes at most.",
)  # fmt: skip
CONNECTIONS_OPENED: Final = _gateway(
    "realtime.gateway.connections.opened", Kind.COUNTER, "{connection}", "Sockets upgraded."
)
CONNECTIONS_REJECTED: Final = _gateway(
    "realtime.gateway.connections.rejected", Kind.COUNTER, "{connection}",
    "Upgrades refused, by the error's name.", REASON,
)  # fmt: skip
CONNECTIONS_CLOSED: Final = _gateway(
    "realtime.gateway.connections.closed", Kind.COUNTER, "{connection}",
    "Sockets ended, by close code; 1006: the network or the client ended it without a close.",
    CODE,
)  # fmt: skip
CONNECTIONS_LAGGING: Final = _gateway(
    "realtime.gateway.connections.lagging", Kind.GAUGE, "{connection}",
    "Sockets that are watched, because they lag or did so lately.",
)  # fmt: skip
TOPICS_HELD: Final = _gateway(
    "realtime.gateway.topics.held", Kind.GAUGE, "{topic}", "Topics followed live."
)

EVENTS_DELIVERED: Final = _gateway(
    "realtime.gateway.events.delivered", Kind.COUNTER, "{event}",
    "Events fanned out, counted once per gateway and not per socket.", SERVICE,
)  # fmt: skip
FRAMES_SENT: Final = _gateway(
    "realtime.gateway.frames.sent", Kind.COUNTER, "{frame}",
    "Live batch frames, counted for each socket that they were for.", SERVICE,
)  # fmt: skip
BYTES_SENT: Final = _gateway(
    "realtime.gateway.bytes.sent", Kind.COUNTER, "By",
    "Bytes of those frames; replays and control frames not included.", SERVICE,
)  # fmt: skip
EVENTS_FILTERED: Final = _gateway(
    "realtime.gateway.events.filtered", Kind.COUNTER, "{event}",
    "Events that a socket's property filter kept from it, counted for each socket.", SERVICE,
)  # fmt: skip
EVENTS_PUBLISHED: Final = _gateway(
    "realtime.gateway.events.published", Kind.COUNTER, "{event}",
    "Events that were published over HTTP, repeats included.", SERVICE,
)  # fmt: skip
PUBLISHES_REJECTED: Final = _gateway(
    "realtime.gateway.publishes.rejected", Kind.COUNTER, "{request}",
    "Requests to publish that were refused whole, by the error's name.", REASON,
)  # fmt: skip
RESETS: Final = _gateway(
    "realtime.gateway.resets", Kind.COUNTER, "{reset}",
    "Resets of live topics, counted once per gateway and not per socket.", REASON,
)  # fmt: skip

QUARANTINE_ACTIVE: Final = _gateway(
    "realtime.gateway.quarantine.active", Kind.GAUGE, "{connection}",
    "Sockets from which this tier is kept now.", TIER,
)  # fmt: skip
QUARANTINE_ENTERED: Final = _gateway(
    "realtime.gateway.quarantine.entered", Kind.COUNTER, "{connection}",
    "Times that a socket began to be kept from a tier.", TIER,
)  # fmt: skip
QUARANTINE_CLEARED: Final = _gateway(
    "realtime.gateway.quarantine.cleared", Kind.COUNTER, "{connection}",
    "Times that a socket got a tier back. Entered is cleared, ended and active together.", TIER,
)  # fmt: skip
QUARANTINE_ENDED: Final = _gateway(
    "realtime.gateway.quarantine.ended", Kind.COUNTER, "{connection}",
    "Times that a socket ended while it was kept from a tier.", TIER,
)  # fmt: skip
QUARANTINE_TIME: Final = _gateway(
    "realtime.gateway.quarantine.time", Kind.COUNTER, "s",
    "How long quarantines lasted that are over.",
)  # fmt: skip
SERVICES_WITHHELD: Final = _gateway(
    "realtime.gateway.services.withheld", Kind.COUNTER, "{service}",
    "Times that a service was kept from a socket for a while; what it missed follows by replay, "
    "or counts as dropped.", TIER, REASON,
)  # fmt: skip
EVENTS_DROPPED: Final = _gateway(
    "realtime.gateway.events.dropped", Kind.COUNTER, "{event}",
    "Events that never reached a socket which subscribes to their service: a later one took the "
    "place (`conflated`), or a reset that of a replay (`overflow`).", TIER, REASON,
)  # fmt: skip
CONNECTIONS_EVICTED: Final = _gateway(
    "realtime.gateway.connections.evicted", Kind.COUNTER, "{connection}",
    "Sockets ended because they took too little.", REASON,
)  # fmt: skip
LANES_BYTES: Final = _gateway(
    "realtime.gateway.lanes.bytes", Kind.GAUGE, "By",
    "What waits in the lanes of all sockets; of tier `control` is what is no batch.", TIER,
)  # fmt: skip

RESUME_ATTEMPTS: Final = _gateway(
    "realtime.gateway.resume.attempts", Kind.COUNTER, "{resume}",
    "Resumes asked for, by service of a socket: `recovered`, or the reason of the reset.", RESULT,
)  # fmt: skip
RESUME_REPLAYED: Final = _gateway(
    "realtime.gateway.resume.replayed", Kind.HISTOGRAM, "{event}",
    "Events that a recovered resume had missed.", bounds=(0, *_SIZES),
)  # fmt: skip
CATCH_UPS_ACTIVE: Final = _gateway(
    "realtime.gateway.catchups.active", Kind.GAUGE, "{replay}", "Replays under way."
)
SUBSCRIPTIONS_APPLIED: Final = _gateway(
    "realtime.gateway.subscriptions.applied", Kind.HISTOGRAM, "s",
    "From the ring of a subscription change to its effect on the sockets here; once per turn.",
    RESULT, bounds=_LATENCY_S,
)  # fmt: skip
AUTH_FAILURES: Final = _gateway(
    "realtime.gateway.auth.failures", Kind.COUNTER, "{failure}",
    "Upgrades, requests and refreshes whose token was not accepted, by the error's name.", REASON,
)  # fmt: skip
KEYS_AGE: Final = _gateway(
    "realtime.gateway.keys.age", Kind.GAUGE, "s",
    "Time since the keys of REALTIME_JWKS_URL were fetched, or awaited since the start; 0 with a "
    "secret. From REALTIME_JWKS_MAX_AGE_S on no token is accepted.",
)  # fmt: skip
CANARY_AGE: Final = _gateway(
    "realtime.gateway.canary.age", Kind.GAUGE, "s",
    "Time since this gateway last heard a canary, by ring and by read.",
)  # fmt: skip

CLIENT_LATENCY: Final = _gateway(
    "realtime.client.latency", Kind.HISTOGRAM, "s",
    "The p95 that a client measured from entry to page; once per report.",
    SERVICE, bounds=_LATENCY_S,
)  # fmt: skip
CLIENT_DELIVERED: Final = _gateway(
    "realtime.client.delivered",
    Kind.COUNTER,
    "{event}",
    "Events that clients handed over.",
    SERVICE,
)
CLIENT_SUPPRESSED: Final = _gateway(
    "realtime.client.suppressed", Kind.COUNTER, "{event}", "Repeats that clients dropped.", SERVICE
)
CLIENT_RECONNECTS: Final = _gateway(
    "realtime.client.reconnects", Kind.COUNTER, "{reconnect}", "Reconnects of clients.", SERVICE
)
CLIENT_GAPS: Final = _gateway(
    "realtime.client.gaps", Kind.COUNTER, "{gap}", "Gaps that clients admitted.", SERVICE
)
CLIENT_REPORTS: Final = _gateway(
    "realtime.client.reports", Kind.COUNTER, "{report}", "Health reports of clients."
)

FANOUT_EVENTS: Final = _fanout(
    "realtime.fanout.events", Kind.COUNTER, "{event}", "Events committed.", SERVICE
)
FANOUT_BATCHES: Final = _fanout(
    "realtime.fanout.batches", Kind.COUNTER, "{batch}", "Batches committed.", SERVICE
)
BATCH_WINDOW: Final = _fanout(
    "realtime.fanout.batch.window", Kind.GAUGE, "ms",
    "The longest window among the topics of a service.", SERVICE,
)  # fmt: skip
BATCH_SIZE: Final = _fanout(
    "realtime.fanout.batch.size", Kind.HISTOGRAM, "{event}", "Events of a batch.",
    SERVICE, bounds=_SIZES,
)  # fmt: skip
FANOUT_LAG: Final = _fanout(
    "realtime.fanout.lag", Kind.GAUGE, "s",
    "Age of the oldest event that is read and not committed, by Redis' clock.", SERVICE,
)  # fmt: skip
FANOUT_BACKLOG: Final = _fanout(
    "realtime.fanout.backlog", Kind.GAUGE, "{entry}",
    "Entries that are published and not committed, as of the latest sweep.", SERVICE,
)  # fmt: skip
DEAD_LETTERED: Final = _fanout(
    "realtime.fanout.dead_lettered", Kind.COUNTER, "{entry}",
    "Entries set aside; `input_gap`: somebody else removed them unread.", SERVICE, REASON,
)  # fmt: skip
DUPLICATES: Final = _fanout(
    "realtime.fanout.duplicates", Kind.COUNTER, "{event}",
    "Events whose id was known: a `repeat`, or a `conflict` with other content.", SERVICE, REASON,
)  # fmt: skip
THROTTLED: Final = _fanout(
    "realtime.fanout.throttled", Kind.COUNTER, "{read}",
    "Reads that left a topic out because too much of it was uncommitted.", SERVICE,
)  # fmt: skip
PRUNED: Final = _fanout(
    "realtime.fanout.pruned", Kind.COUNTER, "{event}",
    "Events that gave way under pressure to later ones of the same entity.", TIER,
)  # fmt: skip
INPUT_GAPS: Final = _fanout(
    "realtime.fanout.input_gaps", Kind.COUNTER, "{entry}",
    "Entries that somebody else removed before they were committed.",
)  # fmt: skip
STALE_COMMITS: Final = _fanout(
    "realtime.fanout.commits.stale", Kind.COUNTER, "{commit}",
    "Commits that Redis refused because the topic had moved on.",
)  # fmt: skip
TOPICS_OPEN: Final = _fanout(
    "realtime.fanout.topics.open", Kind.GAUGE, "{topic}", "Topics that this worker fans out."
)
TOPICS_SET_ASIDE: Final = _fanout(
    "realtime.fanout.topics.set_aside", Kind.COUNTER, "{topic}",
    "Times that a topic could not be worked on and was left alone for a while.",
)  # fmt: skip
PARTITIONS_HELD: Final = _fanout(
    "realtime.fanout.partitions.held", Kind.GAUGE, "{partition}", "Partitions leased."
)
PARTITIONS_TAKEN: Final = _fanout(
    "realtime.fanout.partitions.taken", Kind.COUNTER, "{partition}", "Leases gained."
)
PARTITIONS_LOST: Final = _fanout(
    "realtime.fanout.partitions.lost", Kind.COUNTER, "{partition}", "Leases that ended unasked."
)
TERMS: Final = _fanout(
    "realtime.fanout.terms", Kind.COUNTER, "{term}",
    "Terms begun: one at the start, and one after each loss of Redis.",
)  # fmt: skip

REPLAY_BYTES: Final = _fanout(
    "realtime.replay.bytes", Kind.GAUGE, "By", "What the replay logs take up, roughly.", TIER
)
REPLAY_TRIMMED: Final = _fanout(
    "realtime.replay.trimmed", Kind.COUNTER, "{event}",
    "Events that can no longer be replayed, by the bound that they were over.", TIER, REASON,
)  # fmt: skip
REPLAY_BUDGET: Final = _fanout(
    "realtime.replay.budget", Kind.GAUGE, "By",
    "What the replay logs of this worker's partitions may take up together.",
)  # fmt: skip

LOOP_LAG: Final = Metric(
    "realtime.loop.lag", Kind.GAUGE, "s",
    "The latest that the event loop came back to a timer, within the last 15 s.", ToldBy.BOTH,
)  # fmt: skip
REDIS_CONNECTED: Final = Metric(
    "realtime.redis.connected", Kind.GAUGE, "1",
    "1 while Redis is reached, 0 during an outage.", ToldBy.BOTH,
)  # fmt: skip
CLOCK_AHEAD: Final = Metric(
    "realtime.clock.ahead", Kind.GAUGE, "s",
    "By how much the clock of this machine is ahead of Redis', negative if it is behind.",
    ToldBy.BOTH,
)  # fmt: skip
REDIS_LOST: Final = Metric(
    "realtime.redis.lost", Kind.COUNTER, "{outage}", "Outages of Redis.", ToldBy.BOTH
)

ORG_CONNECTIONS: Final = Metric(
    "realtime.org.connections", Kind.GAUGE, "{connection}",
    "Open sockets of an org; `_other` for all that are not among the largest.", ToldBy.ORGS, (ORG,),
)  # fmt: skip
ORG_EVENTS: Final = Metric(
    "realtime.org.events", Kind.COUNTER, "{event}",
    "Events fanned out for an org, counted once per gateway.", ToldBy.ORGS, (ORG,),
)  # fmt: skip

METRICS: Final[tuple[Metric, ...]] = tuple(
    value for value in list(globals().values()) if isinstance(value, Metric)
)
