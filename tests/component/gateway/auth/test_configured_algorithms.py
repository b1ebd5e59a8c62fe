"""REALTIME_JWT_ALGORITHMS: what is not configured is refused, whoever signed it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest

from fanwire.errors import Unauthorized
from fanwire.token_algorithms import PUBLIC_KEY_ALGORITHMS, SECRET_ALGORITHMS
from gateway.auth.tokens import TokenVerifier
from gateway.build import Gateway
from gateway.settings import GatewaySettings
from shared.settings.realtime import RealtimeSettings, TokenSettings, load_settings
from tests.support.environment import set_environment
from tests.support.issuer import LONG_SECRET, issued, published_keys
from tests.support.jwks_stub import jwks_stub
from tests.support.signing import AUDIENCE, ISSUER, NOW_S
from tests.support.telemetry import a_gateways_signals
from tests.support.waiting import eventually

ALL: Final = (*SECRET_ALGORITHMS, *PUBLIC_KEY_ALGORITHMS)
NAMES: Final = {"REALTIME_JWT_ISSUER": ISSUER, "REALTIME_JWT_AUDIENCE": AUDIENCE}


def names_and_jwks(url: str) -> dict[str, str]:
    return NAMES | {
        "REALTIME_JWT_SECRET": "",
        "REALTIME_JWKS_URL": url,
        "REALTIME_JWKS_INSECURE": "true",
    }


@asynccontextmanager
async def a_gateway_of_the_environment() -> AsyncIterator[TokenVerifier]:
    gateway = Gateway(
        load_settings(RealtimeSettings),
        load_settings(TokenSettings),
        load_settings(GatewaySettings),
        a_gateways_signals(),
    )
    async with asyncio.TaskGroup() as tasks:
        loop = None if gateway.jwks is None else tasks.create_task(gateway.jwks.run())
        try:
            await eventually(lambda: gateway.sessions.credentials.verifier.problem is None)
            yield gateway.sessions.credentials.verifier
        finally:
            if loop is not None:
                loop.cancel()


def accepted_by(verifier: TokenVerifier) -> list[str]:
    return [name for name in ALL if is_accepted(verifier, issued(name))]


def is_accepted(verifier: TokenVerifier, token: str) -> bool:
    try:
        return verifier.verify(token, now_s=NOW_S).org == "acme"
    except Unauthorized:
        return False


@pytest.mark.parametrize("configured", [*SECRET_ALGORITHMS, "HS512,HS256"])
async def test_a_secret_accepts_what_is_configured_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, configured: str
) -> None:
    set_environment(
        monkeypatch,
        **NAMES,
        REALTIME_JWT_SECRET=LONG_SECRET.decode(),
        REALTIME_JWT_ALGORITHMS=configured,
    )
    async with a_gateway_of_the_environment() as verifier:
        assert accepted_by(verifier) == sorted(configured.split(","))


@pytest.mark.parametrize("configured", [*PUBLIC_KEY_ALGORITHMS, "RS256,ES384", "PS512,EdDSA"])
async def test_a_jwks_accepts_what_is_configured_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, configured: str
) -> None:
    async with jwks_stub() as stub:
        stub.serve(published_keys(*PUBLIC_KEY_ALGORITHMS))
        set_environment(
            monkeypatch,
            **names_and_jwks(stub.url),
            REALTIME_JWT_ALGORITHMS=configured,
        )
        async with a_gateway_of_the_environment() as verifier:
            assert {*accepted_by(verifier)} == {*configured.split(",")}


async def test_without_the_setting_a_jwks_accepts_RS256_and_ES256(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with jwks_stub() as stub:
        stub.serve(published_keys(*PUBLIC_KEY_ALGORITHMS))
        set_environment(
            monkeypatch,
            **names_and_jwks(stub.url),
        )
        async with a_gateway_of_the_environment() as verifier:
            assert accepted_by(verifier) == ["RS256", "ES256"]
