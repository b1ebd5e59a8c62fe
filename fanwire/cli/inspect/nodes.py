"""What the gateways and the workers say of themselves in their heartbeats."""

from dataclasses import dataclass
from typing import Any, Final, Generic

from fanwire.core.heartbeats import GatewayHeartbeat, H, WorkerHeartbeat, decode_beat
from fanwire.core.keys import Keys

SILENT_MS: Final = 15_000
"""Seven beats: one may be late, and the clocks of two machines differ a little."""


@dataclass(frozen=True, slots=True)
class Node(Generic[H]):
    """One process by its last heartbeat."""

    name: str
    silent_ms: int
    beat: H

    @property
    def is_beating(self) -> bool:
        """Whether it counts as alive."""
        return self.silent_ms < SILENT_MS


def read_gateways(client: Any, keys: Keys) -> list[Node[GatewayHeartbeat]]:
    """Return the gateways that have not left in order, as far as they can be read."""
    return _read(client, keys.gateway_nodes(), GatewayHeartbeat)


def read_workers(client: Any, keys: Keys) -> list[Node[WorkerHeartbeat]]:
    """Return the workers that have not left in order, as far as they can be read."""
    return _read(client, keys.worker_nodes(), WorkerHeartbeat)


def beating(nodes: list[Node[GatewayHeartbeat]]) -> frozenset[str]:
    """Return the names of those that are alive."""
    return frozenset(node.name for node in nodes if node.is_beating)


def server_ms(client: Any) -> int:
    """Return the time of the Redis server."""
    seconds, micros = client.time()
    return int(seconds) * 1000 + int(micros) // 1000


def _read(client: Any, key: str, kind: type[H]) -> list[Node[H]]:
    now_ms = server_ms(client)
    found = {name.decode(): decode_beat(kind, beat) for name, beat in client.hgetall(key).items()}
    return [
        Node(name, now_ms - beat.at_ms, beat)
        for name, beat in sorted(found.items())
        if beat is not None
    ]
