"""What the gateways and the workers say of themselves in their heartbeats."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from fanwire.core.keys import Keys

SILENT_MS: Final = 15_000
"""Three beats: one may be late, and the clocks of two machines differ a little."""


@dataclass(frozen=True, slots=True)
class Node:
    """One process by its last heartbeat."""

    name: str
    silent_ms: int
    state: Mapping[str, Any]

    @property
    def is_beating(self) -> bool:
        """Whether it counts as alive."""
        return self.silent_ms < SILENT_MS


def read_gateways(client: Any, keys: Keys) -> list[Node]:
    """Return the gateways that have not left in order."""
    return _read(client, keys.gateway_nodes())


def read_workers(client: Any, keys: Keys) -> list[Node]:
    """Return the workers that have not left in order."""
    return _read(client, keys.worker_nodes())


def beating(nodes: list[Node]) -> frozenset[str]:
    """Return the names of those that are alive."""
    return frozenset(node.name for node in nodes if node.is_beating)


def server_ms(client: Any) -> int:
    """Return the time of the Redis server."""
    seconds, micros = client.time()
    return int(seconds) * 1000 + int(micros) // 1000


def _read(client: Any, key: str) -> list[Node]:
    now_ms = server_ms(client)
    found = {name.decode(): orjson.loads(state) for name, state in client.hgetall(key).items()}
    return [Node(name, now_ms - int(state["atMs"]), state) for name, state in sorted(found.items())]
