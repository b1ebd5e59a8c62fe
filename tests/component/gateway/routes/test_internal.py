"""The internal port: what orchestrators are told, and how an operator empties a node."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from gateway.app import internal_api, public_api
from gateway.auth.jwks import JwksKeys
from gateway.build import Gateway
from gateway.settings import GatewaySettings
from shared.settings.realtime import RealtimeSettings, TokenSettings
from tests.support.issuer import published_keys
from tests.support.jwks_stub import jwks_stub
from tests.support.signing import AUDIENCE, ISSUER, SECRET
from tests.support.telemetry import a_gateways_signals
from tests.support.waiting import eventually


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    """A gateway whose Redis is not there; nothing of it runs."""
    realtime = RealtimeSettings(env="dev", redis_url=SecretStr(f"unix://{tmp_path}/nobody.sock"))
    tokens = TokenSettings(
        env="dev", jwt_secret=SecretStr(SECRET.decode()), jwt_issuer=ISSUER, jwt_audience=AUDIENCE
    )
    settings = GatewaySettings(env="dev", node_id="gw-1")
    return Gateway(realtime, tokens, settings, a_gateways_signals())


def settings_with_a_jwks(
    url: str, folder: Path
) -> tuple[RealtimeSettings, TokenSettings, GatewaySettings]:
    realtime = RealtimeSettings(env="dev", redis_url=SecretStr(f"unix://{folder}/nobody.sock"))
    tokens = TokenSettings(
        env="dev", jwks_url=url, jwks_insecure=True, jwt_issuer=ISSUER, jwt_audience=AUDIENCE
    )
    return realtime, tokens, GatewaySettings(env="dev", node_id="gw-1")


@asynccontextmanager
async def internal(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(internal_api(gateway))
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
        yield client


async def test_a_drain_is_answered_before_it_is_done(gateway: Gateway) -> None:
    async with internal(gateway) as client:
        before = await client.get("/readyz")
        first, again = await client.post("/drain"), await client.post("/drain")
        after = await client.get("/readyz")
        alive = await client.get("/livez")
    begun = {"node": "gw-1", "draining": True, "drained": False, "connections": 0}
    assert (before.status_code, before.json()["ready"]) == (200, True)
    assert [first.status_code, again.status_code] == [202, 202]
    assert first.json() == again.json() == begun
    assert after.status_code == 503
    assert after.json().items() >= {"ready": False, "why": ["it is draining"], **begun}.items()
    assert alive.status_code == 200


async def test_a_deaf_gateway_is_not_ready_and_lives(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.cluster.canary._hearing, "is_deaf", True)
    async with internal(gateway) as client:
        ready, alive = await client.get("/readyz"), await client.get("/livez")
    assert (ready.status_code, alive.status_code) == (503, 200)
    assert ready.json().items() >= {"ready": False, "deaf": True, "draining": False}.items()
    assert ready.json()["why"] == ["it does not hear what most gateways hear"]


async def test_a_gateway_is_ready_once_it_has_keys_and_until_they_are_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead_s = 0.0
    monkeypatch.setattr("gateway.build.JwksKeys", partial(JwksKeys, monotonic_s=lambda: ahead_s))
    async with jwks_stub() as stub:
        stub.serve(published_keys("ES256"))
        gateway = Gateway(*settings_with_a_jwks(stub.url, tmp_path), a_gateways_signals())
        assert gateway.jwks is not None
        async with internal(gateway) as client, asyncio.TaskGroup() as tasks:
            missing = await client.get("/readyz")
            fetching = tasks.create_task(gateway.jwks.run())
            await eventually(lambda: gateway.sessions.credentials.verifier.problem is None)
            there = await client.get("/readyz")
            fetching.cancel()
            ahead_s = 3600.0
            too_old = await client.get("/readyz")
    assert [missing.status_code, there.status_code, too_old.status_code] == [503, 200, 503]
    assert there.json()["why"] == []
    [never] = missing.json()["why"]
    assert never.startswith("no token can be checked: the keys at REALTIME_JWKS_URL were never")
    [old] = too_old.json()["why"]
    assert "3600 s ago" in old


async def test_a_hook_may_wait_for_the_last_socket(gateway: Gateway) -> None:
    async with internal(gateway) as client, asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(client.post("/drain?wait=true"))
        await eventually(lambda: gateway.cluster.drainer.state.is_begun)
        assert not waiting.done()
        tasks.create_task(gateway.cluster.drainer.run())
    answer = waiting.result()
    assert (answer.status_code, answer.json()["drained"]) == (200, True)


async def test_what_wait_may_be_is_told(gateway: Gateway) -> None:
    async with internal(gateway) as client:
        answer = await client.post("/drain?wait=perhaps")
    assert answer.status_code == 422
    assert "perhaps" in answer.text
    assert not gateway.cluster.drainer.state.is_begun


async def test_a_look_at_drain_does_not_begin_it(gateway: Gateway) -> None:
    async with internal(gateway) as client:
        answer = await client.get("/drain")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert not gateway.cluster.drainer.state.is_begun


async def test_a_page_of_a_browser_cannot_drain(gateway: Gateway) -> None:
    async with internal(gateway) as client:
        answer = await client.post("/drain", headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert answer.json()["remedy"]
    assert not gateway.cluster.drainer.state.is_begun


@pytest.mark.parametrize("path", ["/drain", "/readyz", "/livez", "/drain/", "//drain"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_public_port_knows_none_of_it(gateway: Gateway, method: str, path: str) -> None:
    transport = httpx.ASGITransport(public_api(gateway))
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
        answer = await client.request(method, path, headers={"authorization": "Bearer x"})
    assert answer.status_code == 404
    assert not gateway.cluster.drainer.state.is_begun
