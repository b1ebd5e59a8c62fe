"""A primary, its replica, and an address that leads to the one in charge."""

from pathlib import Path

from redis.asyncio import Redis

from shared.redis.client import connect
from tests.support.real_server import RealServer
from tests.support.waiting import eventually, free_port


class RedisPair:
    """As behind a name or a virtual address that a failover moves."""

    def __init__(self, primary: RealServer, replica: RealServer, address: Path) -> None:
        self.primary = primary
        self.replica = replica
        self._address = address
        self._lead_to(primary)

    @property
    def url(self) -> str:
        """What clients connect to."""
        return f"unix://{self._address}"

    async def replicate(self) -> None:
        """Have the replica follow the primary, and wait until it does."""
        port = free_port()
        async with connect(self.primary.url) as primary, connect(self.replica.url) as replica:
            await primary.config_set("repl-diskless-sync-delay", 0)
            await primary.config_set("bind", "127.0.0.1")
            await primary.config_set("port", port)
            await replica.replicaof("127.0.0.1", port)
            await self.until_in_step(primary, replica)

    async def until_in_step(self, primary: Redis, replica: Redis) -> None:
        """Wait until the replica holds all that the primary has."""

        async def is_in_step() -> bool:
            ahead = await primary.info("replication")
            behind = await replica.info("replication")
            return bool(
                behind.get("master_link_status") == "up"
                and ahead["master_repl_offset"] == behind["slave_repl_offset"]
            )

        await eventually(is_in_step, 15)

    async def part(self) -> None:
        """Let the replica follow nobody that answers: what comes now is the primary's alone."""
        async with connect(self.replica.url) as replica:
            await replica.replicaof("127.0.0.1", free_port())

    async def fail_over(self) -> None:
        """Kill the primary and put the replica in charge."""
        self.primary.kill()
        async with connect(self.replica.url) as replica:
            await replica.replicaof("NO", "ONE")
        self._lead_to(self.replica)

    async def swap(self) -> None:
        """Put the replica in charge and have the primary follow it; no connection is closed."""
        async with connect(self.primary.url) as primary, connect(self.replica.url) as replica:
            await self.until_in_step(primary, replica)
            port = free_port()
            await replica.config_set("bind", "127.0.0.1")
            await replica.config_set("port", port)
            await replica.replicaof("NO", "ONE")
            await primary.replicaof("127.0.0.1", port)
        self._lead_to(self.replica)

    def _lead_to(self, server: RealServer) -> None:
        self._address.unlink(missing_ok=True)
        self._address.symlink_to(server.socket_path)
