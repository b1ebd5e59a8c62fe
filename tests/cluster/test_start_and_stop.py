"""Both programs as an operator meets them: how they start, refuse to, and stop."""

import socket
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from resource import RLIMIT_NOFILE, setrlimit

import pytest
from redis.asyncio import Redis

from tests.conftest import StartServer, StartStack
from tests.support.environment import VALID
from tests.support.role import ROOT, inherited_environment
from tests.support.stack import TRACEBACK


def start_failure(
    module: str, variables: Mapping[str, str], *, files: int | None = None
) -> tuple[int, str]:
    """Run a program that cannot start and return its exit code and what it wrote.

    It may open at most so many files.
    """
    limit = None if files is None else partial(setrlimit, RLIMIT_NOFILE, (files, files))
    ended = subprocess.run(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env=inherited_environment() | VALID | dict(variables),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        preexec_fn=limit,
    )
    assert ended.stdout == ""
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("module", ["gateway", "fanout"])
@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"REALTIME_REDIS_URL": ""}, "REALTIME_REDIS_URL is required"),
        (
            {"REALTIME_REDIS_URLS": "x"},
            "REALTIME_REDIS_URLS is not a setting; did you mean REALTIME_REDIS_URL?",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4317"},
            (
                "OTEL_EXPORTER_OTLP_ENDPOINT is 'http://c:4317', but 4317 is the port of OTLP over "
                "gRPC; OTLP over HTTP, which is sent, has 4318"
            ),
        ),
    ],
    ids=["missing", "unknown", "collector"],
)
def test_B124_a_wrong_setting_is_one_line_and_exit_code_78(
    module: str, variables: dict[str, str], line: str
) -> None:
    assert start_failure(module, variables) == (78, f"fanwire: {line}\n")


@pytest.mark.parametrize("module", ["gateway", "fanout"])
async def test_B127_a_server_that_evicts_ends_the_start(
    module: str, start_server: StartServer
) -> None:
    server = start_server()
    async with Redis.from_url(server.url) as redis:
        await redis.config_set("maxmemory-policy", "allkeys-lru")
    code, written = start_failure(module, {"REALTIME_REDIS_URL": server.url})
    assert code == 78
    assert "maxmemory-policy allkeys-lru" in written
    assert TRACEBACK not in written


def test_B136_a_gateway_that_may_open_hardly_any_file_does_not_start() -> None:
    code, written = start_failure("gateway", {}, files=200)
    assert code == 78
    assert written.startswith("fanwire: GATEWAY_MAX_CONNECTIONS needs 1000 open files")
    assert written.count("\n") == 1


def test_a_port_that_is_taken_is_one_line_and_exit_code_78() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, written = start_failure("gateway", {"GATEWAY_PORT": str(port)})
    assert code == 78
    last = written.splitlines()[-1]
    assert last.startswith(f"fanwire: GATEWAY_HOST and GATEWAY_PORT: 127.0.0.1 port {port} cannot")
    assert TRACEBACK not in written


async def test_a_stack_becomes_ready_and_stops_in_order(start_stack: StartStack) -> None:
    stack = await start_stack(gateways=2, workers=2)
    for role in (*stack.gateways, *stack.workers):
        role.terminate()
        assert await role.wait() == 0


async def test_processes_that_were_killed_start_again(start_stack: StartStack) -> None:
    stack = await start_stack()
    for role in (stack.gateway, stack.worker):
        role.kill()
        assert not role.is_running
        await role.start()


async def test_gateways_may_share_one_port(start_stack: StartStack) -> None:
    stack = await start_stack(gateways=2, one_port=True)
    assert stack.gateways[0].url == stack.gateways[1].url
