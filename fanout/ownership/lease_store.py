"""What Redis holds of the workers: who lives, and who has the lease on which partition.

The server's clock alone counts there, so a worker whose clock is wrong cannot hold on.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from fanwire.core.keys import Keys
from shared.redis.owned_connection import OwnedConnection, script_call
from shared.redis.scripts import Script

BEAT_WORKER: Final = Script("beat_worker")
RENEW_LEASE: Final = Script("renew_lease")


class LivingWorkers(NamedTuple):
    """The answer to a beat."""

    server_ms: float
    names: frozenset[str]


class LeaseStore:
    """One worker's calls; an error reply is raised."""

    def __init__(self, connection: OwnedConnection, keys: Keys, worker: str) -> None:
        self._connection = connection
        self._keys = keys
        self.worker = worker

    async def beat(self, living_ms: int) -> LivingWorkers:
        """Count as living for so long, 0 to leave; return who lives."""
        reply = await self._connection.call(
            *script_call(BEAT_WORKER, [self._keys.workers()], [self.worker, living_ms])
        )
        return LivingWorkers(float(reply[0]), frozenset(member.decode() for member in reply[1:]))

    async def lease(self, partitions: Sequence[int], lease_ms: int) -> set[int]:
        """Ask for leases, or give them back with 0; return the partitions that are held now."""
        replies: list[Any] = await self._connection.call_all(
            [
                script_call(RENEW_LEASE, [self._keys.lease(n)], [self.worker, lease_ms])
                for n in partitions
            ]
        )
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return {n for n, reply in zip(partitions, replies, strict=True) if reply[0] == 1}
