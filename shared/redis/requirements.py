"""What a Redis server must be before Fanwire entrusts events to it.

Refused at the start, where it is one line to an operator: an eviction policy that may throw
whole streams away, or a server without the commands that the scripts use, would show only
under load, as lost events.
"""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from fanwire.redis.server_versions import engine_of
from shared.logs import logger
from shared.settings.loading import SettingsProblem

log = logger()


class UnsuitableServer(SettingsProblem):
    """The server behind REALTIME_REDIS_URL cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A usable server, and what its operator should be warned of."""

    engine: str
    version: str
    warnings: tuple[str, ...]


async def check_server(redis: Redis) -> ServerFacts:
    """Return what the server is.

    Raises:
        UnsuitableServer: If it is too old or may evict keys.
    """
    return judge_server(await redis.info("everything"))


async def warn_unless_safe(redis: Redis) -> None:
    """Check the server at a process's start, and log what its operator should mend.

    A server that cannot be reached is not the operator's mistake: it is waited for.

    Raises:
        UnsuitableServer: If it answers and cannot be used.
    """
    try:
        facts = await check_server(redis)
    except (RedisError, OSError) as error:
        log.warning("redis.unreachable", why=str(error))
        return
    for warning in facts.warnings:
        log.warning("redis.unsafe", why=warning)


def judge_server(facts: dict[str, Any]) -> ServerFacts:
    """Decide by the answer of INFO whether a server may be used."""
    engine = engine_of(facts)
    if engine.is_too_old:
        raise UnsuitableServer(
            f"REALTIME_REDIS_URL leads to {engine}; "
            f"{engine.oldest[0]}.{engine.oldest[1]} or later is needed"
        )
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise UnsuitableServer(
            f"REALTIME_REDIS_URL leads to a server with maxmemory-policy {policy}, which would "
            "evict events; set it to noeviction"
        )
    return ServerFacts(engine.name, engine.version, tuple(_warnings(facts)))


def _warnings(facts: dict[str, Any]) -> list[str]:
    warnings = []
    if facts.get("connected_slaves", 0) and not facts.get("aof_enabled", 0):
        # Restarted empty, a primary without AOF makes its replicas empty too.
        warnings.append("replicas without appendonly: a restart of the primary loses all events")
    if facts.get("role") == "slave":
        warnings.append("the server is a replica and refuses writes")
    return warnings
