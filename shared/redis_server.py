"""What a Redis server must be before Fanwire entrusts events to it.

Refused at the start, where it is one line to an operator: an eviction policy that may throw
whole streams away, or a server without the commands that the scripts use, would show only
under load, as lost events.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.logs import logger
from shared.settings_loading import SettingsProblem

OLDEST_REDIS: Final = (7, 0)
OLDEST_VALKEY: Final = (8, 0)


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
        logger().warning("redis.unreachable", why=str(error))
        return
    for warning in facts.warnings:
        logger().warning("redis.unsafe", why=warning)


def judge_server(facts: dict[str, Any]) -> ServerFacts:
    """Decide by the answer of INFO whether a server may be used."""
    is_valkey = facts.get("server_name") == "valkey"
    engine = "Valkey" if is_valkey else "Redis"
    version = str(facts["valkey_version" if is_valkey else "redis_version"])
    oldest = OLDEST_VALKEY if is_valkey else OLDEST_REDIS
    if _numbers(version) < oldest:
        raise UnsuitableServer(
            f"REALTIME_REDIS_URL leads to {engine} {version}; "
            f"{oldest[0]}.{oldest[1]} or later is needed"
        )
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise UnsuitableServer(
            f"REALTIME_REDIS_URL leads to a server with maxmemory-policy {policy}, which would "
            "evict events; set it to noeviction"
        )
    return ServerFacts(engine, version, tuple(_warnings(facts)))


def _warnings(facts: dict[str, Any]) -> list[str]:
    warnings = []
    if facts.get("connected_slaves", 0) and not facts.get("aof_enabled", 0):
        # Restarted empty, a primary without AOF makes its replicas empty too.
        warnings.append("replicas without appendonly: a restart of the primary loses all events")
    if facts.get("role") == "slave":
        warnings.append("the server is a replica and refuses writes")
    return warnings


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
