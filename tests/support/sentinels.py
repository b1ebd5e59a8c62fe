"""A primary, a replica, and Sentinels that put one in the other's place.

Sentinels know servers by host and port, so these listen on loopback ports as well.
"""

import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final, Self, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.support.real_server import EngineName, RealServer, binary_of
from tests.support.waiting import eventually, free_port

SERVICE: Final = "fanwire-test"
SENTINEL_COUNT: Final = 3
DOWN_AFTER_MS: Final = 800


class WatchedPair:
    """Runs inside its `async with` block; `url` is what processes connect to."""

    def __init__(self, engine: EngineName, folder: Path) -> None:
        self._engine = engine
        self._folder = folder
        self._ports = [free_port() for _ in range(2)]
        self.servers = [self._server(n) for n in range(2)]
        self._sentinel_ports = [free_port() for _ in range(SENTINEL_COUNT)]
        self._sentinels: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """The address for REALTIME_REDIS_URL."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._sentinel_ports)
        return f"redis+sentinel://{hosts}/{SERVICE}"

    async def __aenter__(self) -> Self:
        for number in range(2):
            self.start_server(number)
        async with Redis(port=self._ports[1]) as replica:
            await replica.replicaof("127.0.0.1", self._ports[0])
        await self.until_in_step()
        for port in self._sentinel_ports:
            self._sentinels.append(self._sentinel(port))
            await self._hurry(port)
        await eventually(self._sentinels_know_all, 20, what="Sentinels that know all")
        return self

    async def __aexit__(self, *_: object) -> None:
        for sentinel in self._sentinels:
            sentinel.kill()
            sentinel.wait(5)
        for server in self.servers:
            server.stop()

    def start_server(self, number: int) -> None:
        """Start one of the two, with the data of its last life if it had one."""
        port = str(self._ports[number])
        quick = ("--repl-diskless-sync-delay", "0")
        self.servers[number].start("--port", port, "--bind", "127.0.0.1", *quick)

    async def until_in_step(self) -> None:
        """Wait until one follows the other and holds all that it has."""

        async def is_in_step() -> bool:
            roles, offsets = set(), set()
            for port in self._ports:
                async with Redis(port=port) as server:
                    facts = await server.info("replication")
                roles.add(facts["role"])
                offsets.add(facts["master_repl_offset"])
                if facts.get("master_link_status", "up") != "up":
                    return False
            return len(roles) == 2 and len(offsets) == 1

        await eventually(is_in_step, 20)

    async def until_primary_is(self, number: int, timeout_s: float = 20) -> None:
        """Wait until a Sentinel names this server, and it is the primary."""

        async def is_primary() -> bool:
            async with Redis(port=self._sentinel_ports[0]) as sentinel:
                named: Any = await sentinel.sentinel_get_master_addr_by_name(SERVICE)
            if named is None or int(named[1]) != self._ports[number]:
                return False
            async with Redis(port=self._ports[number]) as server:
                facts = await server.info("replication")
            return bool(facts["role"] == "master")

        await eventually(is_primary, timeout_s, what=f"server {number} as primary")

    async def swap(self) -> None:
        """Have the Sentinels put the replica in the place of a healthy primary."""
        async with Redis(port=self._sentinel_ports[0]) as sentinel:
            await cast(Any, sentinel).execute_command("SENTINEL", "FAILOVER", SERVICE)

    def _server(self, number: int) -> RealServer:
        folder = Path(tempfile.mkdtemp(prefix=f"{number}-", dir=self._folder))
        return RealServer(self._engine, folder, append_only=True)

    def _sentinel(self, port: int) -> subprocess.Popen[bytes]:
        folder = Path(tempfile.mkdtemp(prefix="s-", dir=self._folder))
        (folder / "sentinel.conf").write_text(
            f"port {port}\n"
            f"bind 127.0.0.1\n"
            f"dir {folder}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {self._ports[0]} 2\n"
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {SERVICE} 1000\n"
        )
        command = [str(binary_of(self._engine)), str(folder / "sentinel.conf"), "--sentinel"]
        with (folder / "sentinel.log").open("wb") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    async def _hurry(self, port: int) -> None:
        """Have a Sentinel look every half second, not every ten."""

        async def is_told() -> bool:
            async with Redis(port=port) as sentinel:
                debug = ("SENTINEL", "DEBUG", "info-period", "500", "publish-period", "500")
                try:
                    return bool(await cast(Any, sentinel).execute_command(*debug))
                except RedisError:
                    return False  # it has yet to listen

        await eventually(is_told, what="a Sentinel that answers")

    async def _sentinels_know_all(self) -> bool:
        for port in self._sentinel_ports:
            try:
                async with Redis(port=port) as sentinel:
                    masters: Any = await sentinel.sentinel_masters()
            except (OSError, RedisError):
                return False
            state = masters[SERVICE]
            if state["num-other-sentinels"] != SENTINEL_COUNT - 1 or state["num-slaves"] != 1:
                return False
        return True
