"""The stream's door while Redis is away: what is refused, how, and how soon."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from gateway.app import public_server
from gateway.build import Gateway
from gateway.connection.connection import Connection
from gateway.settings import GatewaySettings
from gateway.telemetry.telemetry import GatewayTelemetry
from shared.settings.realtime import RealtimeSettings, TokenSettings
from tests.support.environment import SECRET, VALID, set_environment
from tests.support.gateway_values import some_claims
from tests.support.loopback import RecordingSessions
from tests.support.signing import GOOD_CLAIMS, signed
from tests.support.telemetry import a_gateways_signals
from tests.support.tracing import RecordedSpans
from tests.support.waiting import eventually, free_port

PAGE = "https://app.example.com"


@pytest.fixture
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(
        monkeypatch,
        REALTIME_ENV="dev",
        REALTIME_REDIS_URL="unix:///nowhere/redis.sock",
        GATEWAY_ALLOWED_ORIGINS=PAGE,
        GATEWAY_MAX_SERVICES="4",
    )
    monkeypatch.setattr("gateway.cluster.org_watch.LONGEST_PREPARATION_S", 0.05)


@asynccontextmanager
async def serving(
    *, inside_from: str | None = None, spans: RecordedSpans | None = None
) -> AsyncIterator[str]:
    """Serve a gateway of which no loop runs, as if Redis never answered."""
    realtime = RealtimeSettings()
    signals = GatewayTelemetry.of(spans.telemetry(), realtime) if spans else a_gateways_signals()
    gateway = Gateway(realtime, TokenSettings(), GatewaySettings(), signals)
    if inside_from is not None:
        gateway.sessions.registry.add(
            Connection(RecordingSessions(), some_claims(), "inside", inside_from)
        )
    server = public_server(gateway)
    server.config.port = free_port()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve())
        await eventually(lambda: server.started, every_s=0.001)
        yield f"ws://127.0.0.1:{server.config.port}/v2/realtime/stream"
        server.should_exit = True
    await gateway.links.redis.aclose()


def a_token(**changed: object) -> str:
    now_s = int(time.time())
    lived = {
        "iss": VALID["REALTIME_JWT_ISSUER"],
        "aud": VALID["REALTIME_JWT_AUDIENCE"],
        "iat": now_s - 1,
        "exp": now_s + 60,
    }
    return signed(GOOD_CLAIMS | lived | changed, secret=SECRET.encode())


async def connected(
    url: str,
    query: str = "",
    *,
    token: str | None = None,
    origin: str = PAGE,
    forwarded_for: str | None = None,
) -> ClientConnection:
    return await connect(
        f"{url}?{query}",
        additional_headers={"X-Forwarded-For": forwarded_for} if forwarded_for else None,
        origin=Origin(origin),
        subprotocols=[Subprotocol("rt.v1"), Subprotocol(f"rt.token.{token or a_token()}")],
        proxy=None,
    )


@pytest.mark.usefixtures("_environment")
@pytest.mark.parametrize(
    ("query", "code"),
    [
        pytest.param("services=*", 4400, id="B55"),
        pytest.param("services=tasks&resume=tasks:x", 4400, id="B56"),
        pytest.param("services=a,b,c,d,e", 4413, id="B54"),
    ],
)
async def test_what_cannot_be_read_is_told_after_the_upgrade_and_closed_at_once(
    query: str, code: int
) -> None:
    async with serving() as url, asyncio.timeout(5):
        client = await connected(url, query)
        started_s = time.monotonic()
        error = json.loads(await client.recv())
        assert (error["type"], error["code"], error["retryable"]) == ("error", code, False)
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == code
        await client.wait_closed()
        # The client's answer to our close is read; without that uvicorn waits ten seconds.
        assert time.monotonic() - started_s < 2


@pytest.mark.usefixtures("_environment")
@pytest.mark.parametrize(
    ("query", "changed", "origin", "status"),
    [
        pytest.param("", {"exp": 1, "iat": 0}, PAGE, 401, id="B68"),
        pytest.param("services=finance", {}, PAGE, 403, id="B53"),
        pytest.param("", {}, f"{PAGE}.evil.tld", 403, id="B17"),
        pytest.param("token=abc", {}, PAGE, 400, id="B85"),
        pytest.param("services=tasks", {}, PAGE, 503, id="B106"),
    ],
)
async def test_who_may_not_come_in_is_refused_before_the_upgrade(
    query: str, changed: dict[str, object], origin: str, status: int
) -> None:
    async with serving() as url, asyncio.timeout(5):
        with pytest.raises(InvalidStatus) as refused:
            await connected(url, query, token=a_token(**changed), origin=origin)
    assert refused.value.response.status_code == status


@pytest.mark.usefixtures("_environment")
@pytest.mark.parametrize(
    ("trusted", "inside_from", "forwarded_for", "status"),
    [
        pytest.param("", "127.0.0.1", "198.51.100.1", 429, id="B22"),
        pytest.param("127.0.0.0/8", "198.51.100.1", "198.51.100.1", 429, id="B23"),
        # Let in by the door, and stopped only by Redis.
        pytest.param("127.0.0.0/8", "198.51.100.1", "198.51.100.2", 503, id="another-address"),
    ],
)
async def test_an_address_has_its_share_of_connections(
    monkeypatch: pytest.MonkeyPatch, trusted: str, inside_from: str, forwarded_for: str, status: int
) -> None:
    monkeypatch.setenv("GATEWAY_MAX_CONNECTIONS_PER_ADDRESS", "1")
    monkeypatch.setenv("GATEWAY_TRUSTED_PROXIES", trusted)
    async with serving(inside_from=inside_from) as url, asyncio.timeout(5):
        with pytest.raises(InvalidStatus) as refused:
            await connected(url, "services=tasks", forwarded_for=forwarded_for)
    assert refused.value.response.status_code == status
    assert "retry-after" in refused.value.response.headers


@pytest.mark.usefixtures("_environment")
@pytest.mark.parametrize(
    ("query", "origin", "result", "is_ours"),
    [
        ("services=tasks", f"{PAGE}.evil.tld", "forbidden", False),
        ("services=tasks", PAGE, "overloaded", True),
        ("services=*", PAGE, "invalid_id", False),
    ],
)
async def test_an_upgrade_is_one_span_with_what_became_of_it(
    query: str, origin: str, result: str, is_ours: bool
) -> None:
    spans = RecordedSpans()
    async with serving(spans=spans) as url, asyncio.timeout(5):
        with suppress(InvalidStatus):
            client = await connected(url, query, origin=origin)
            await client.wait_closed()
        await eventually(lambda: bool(spans.all))
    assert (spans.only.name, spans.only.parent) == ("connect", None)
    assert (spans.only.attributes or {})["fanwire.result"] == result
    assert spans.only.status.is_unset is not is_ours
