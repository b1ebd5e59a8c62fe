"""What the answers of a Redis server mean for Fanwire. No I/O."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fanwire.cli.doctor.findings import Finding, advice, bad, good
from fanwire.cli.format import size_text
from fanwire.redis.server_versions import engine_of

NEARLY_FULL: Final = 0.75
"""Time to look: a quarter is left for what publishers send while no worker reads."""

FULL: Final = 0.9
"""From here on the workers shorten the replay logs (fanout/replay/budget.py)."""

SKEW_MS: Final = 2_000
"""Less than the 5 s that tokens are forgiven (REALTIME_JWT_LEEWAY_S), which should not be used
up."""

SLIGHT_SKEW_MS: Final = 500
"""Machines that run NTP differ by far less; latencies told by two clocks are already wrong."""


def server_findings(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what INFO tells."""
    yield _version(facts)
    yield _role(facts)
    yield _policy(facts)
    yield _persistence(facts)
    yield _memory(facts)


def keyspace_finding(flags: str | None) -> Finding:
    """Return whether new topics are noticed at once."""
    what = "notify"
    if flags is None:
        return advice(
            what, "notify-keyspace-events may not be read", "Allow CONFIG GET, or look yourself."
        )
    if "E" in flags and "n" in flags:
        return good(what, f"notify-keyspace-events {flags}: new topics are noticed at once")
    return advice(
        what,
        f"notify-keyspace-events is {flags or 'off'}: a new topic may wait 5 s for the next search",
        "CONFIG SET notify-keyspace-events En, and the same in redis.conf",
    )


def skew_finding(skew_ms: float, *, round_trip_ms: float) -> Finding:
    """Return whether this machine's clock and the server's agree."""
    told = f"this machine is {abs(skew_ms):.0f} ms {'ahead of' if skew_ms > 0 else 'behind'} Redis"
    # The half of the round trip is what cannot be known.
    sure_ms = max(abs(skew_ms) - round_trip_ms / 2, 0)
    fix = "Run NTP on both: tokens, ages and latencies are told by these clocks."
    if sure_ms > SKEW_MS:
        return bad("clock", told, fix)
    return advice("clock", told, fix) if sure_ms > SLIGHT_SKEW_MS else good("clock", told)


def _version(facts: Mapping[str, Any]) -> Finding:
    engine = engine_of(facts)
    if engine.is_too_old:
        oldest = ".".join(map(str, engine.oldest))
        return bad("version", str(engine), f"Use {engine.name} {oldest} or later.")
    return good("version", str(engine))


def _role(facts: Mapping[str, Any]) -> Finding:
    if facts.get("role") == "slave":
        return bad("role", "a replica, which refuses writes", "Let the URL lead to the primary.")
    return good("role", f"primary with {facts.get('connected_slaves', 0)} replicas")


def _policy(facts: Mapping[str, Any]) -> Finding:
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        fix = "CONFIG SET maxmemory-policy noeviction: any other throws whole streams away."
        return bad("eviction", f"maxmemory-policy {policy}", fix)
    return good("eviction", "maxmemory-policy noeviction")


def _persistence(facts: Mapping[str, Any]) -> Finding:
    if facts.get("aof_enabled"):
        return good("persistence", "appendonly on")
    fix = "CONFIG SET appendonly yes, and the same in redis.conf"
    if facts.get("connected_slaves", 0):
        return bad("persistence", "appendonly off: a restart empties the replicas, too", fix)
    return advice("persistence", "appendonly off: a restart loses what is not in a snapshot", fix)


def _memory(facts: Mapping[str, Any]) -> Finding:
    used, most = facts.get("used_memory", 0), facts.get("maxmemory", 0)
    what = "memory"
    if not most:
        return advice(
            what,
            f"{size_text(used)} used, maxmemory is not set",
            "CONFIG SET maxmemory: without it the kernel decides what ends when memory does.",
        )
    told = f"{size_text(used)} of {size_text(most)} used"
    fix = "Raise maxmemory, or lower FANOUT_REPLAY_BUDGET_BYTES; full, Redis refuses publishers."
    if used > FULL * most:
        return bad(what, told, fix)
    return advice(what, told, fix) if used > NEARLY_FULL * most else good(what, told)
