"""The whole system as processes: N gateways and N fanout workers on one Redis."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from fanwire.tokens import mint_token
from tests.support.role import Role
from tests.support.waiting import free_port

JWT_SECRET: Final = "dev-secret-of-the-test-suite-which-is-long-enough"
ISSUER: Final = "https://issuer.test"
AUDIENCE: Final = "fanwire-test"
TRACEBACK: Final = "Traceback (most recent call last)"


class GatewayProcess(Role):
    """A gateway process and its addresses."""

    def __init__(
        self, name: str, *, env: Mapping[str, str], port: int, internal_port: int, folder: Path
    ) -> None:
        super().__init__("gateway", name, env=env, internal_port=internal_port, folder=folder)
        self.url = f"http://127.0.0.1:{port}"
        self.stream_url = f"ws://127.0.0.1:{port}/v2/realtime/stream"


class Stack:
    """Starts the processes, and fails the test whose processes wrote a traceback.

    Gateways have a port each, so that a test can say which node it talks to; with
    `one_port` they share one, as in production. `links` gives gateways a way to
    Redis of their own, by number.
    """

    def __init__(
        self,
        redis_url: str,
        folder: Path,
        *,
        key_prefix: str = "",
        gateways: int = 1,
        workers: int = 1,
        one_port: bool = False,
        links: Mapping[int, str] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._links = links or {}
        self._env = _settings(redis_url, key_prefix) | dict(env or {})
        shared_port = free_port() if one_port else None
        self.gateways = [self._gateway(n, shared_port or free_port()) for n in range(gateways)]
        self.workers = [self._worker(n) for n in range(workers)]
        self.key_prefix = key_prefix
        self.redis_url = redis_url

    @property
    def gateway(self) -> GatewayProcess:
        """The only gateway, or the first."""
        return self.gateways[0]

    @property
    def worker(self) -> Role:
        """The only fanout worker, or the first."""
        return self.workers[0]

    async def start(self) -> None:
        """Start every process and wait until each is ready."""
        for role in self._roles:
            role.spawn()
        for role in self._roles:
            await role.until_ready()

    async def stop(self) -> None:
        """Stop every process, gateways first, and check what they wrote."""
        try:
            await asyncio.gather(*(gateway.stop() for gateway in self.gateways))
            await asyncio.gather(*(worker.stop() for worker in self.workers))
        finally:
            for role in self._roles:
                role.kill()
        self.check_for_tracebacks()

    def check_for_tracebacks(self) -> None:
        """Fail if a process wrote a traceback."""
        for role in self._roles:
            at = role.stderr.find(TRACEBACK)
            assert at < 0, f"{role.name} wrote a traceback:\n{role.stderr[max(at - 500, 0) :]}"

    def token(
        self,
        *,
        org: str = "acme",
        sub: str = "ada",
        services: str | Iterable[str] = "*",
        properties: str | Iterable[str] = "*",
        publish: bool = False,
        ttl_s: int = 3600,
    ) -> str:
        """Return a token that the gateways of this stack accept."""
        return mint_token(
            JWT_SECRET,
            org=org,
            sub=sub,
            services=services,
            properties=properties,
            publish=publish,
            ttl_s=ttl_s,
            issuer=ISSUER,
            audience=AUDIENCE,
            now=time.time(),
        )

    @property
    def _roles(self) -> list[Role]:
        return [*self.workers, *self.gateways]

    def _gateway(self, number: int, port: int) -> GatewayProcess:
        name = f"gw-{number}"
        internal_port = free_port()
        env = self._env | {
            "GATEWAY_NODE_ID": name,
            "GATEWAY_PORT": str(port),
            "GATEWAY_INTERNAL_PORT": str(internal_port),
        }
        if number in self._links:
            env["REALTIME_REDIS_URL"] = self._links[number]
        return GatewayProcess(
            name, env=env, port=port, internal_port=internal_port, folder=self._folder
        )

    def _worker(self, number: int) -> Role:
        name = f"w-{number}"
        internal_port = free_port()
        env = self._env | {"FANOUT_WORKER_ID": name, "FANOUT_INTERNAL_PORT": str(internal_port)}
        return Role("fanout", name, env=env, internal_port=internal_port, folder=self._folder)


def _settings(redis_url: str, key_prefix: str) -> dict[str, str]:
    return {
        "REALTIME_ENV": "dev",
        "REALTIME_REDIS_URL": redis_url,
        "REALTIME_KEY_PREFIX": key_prefix,
        "REALTIME_JWT_SECRET": JWT_SECRET,
        "REALTIME_JWT_ISSUER": ISSUER,
        "REALTIME_JWT_AUDIENCE": AUDIENCE,
        "GATEWAY_HOST": "127.0.0.1",
        "GATEWAY_ALLOWED_ORIGINS": "https://app.example.com",
        # A test ends faster when its gateways do not wait for balancers that are not there.
        "GATEWAY_DRAIN_NOTICE_MS": "0",
        "GATEWAY_DRAIN_WINDOW_MS": "500",
    }
