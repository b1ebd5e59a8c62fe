"""Tokens as a provider makes them, on real sockets: large, nested, without `aud` or `jti`."""

import hashlib
import time
from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio

from fanwire.auth.token_size import LARGEST_TOKEN_BYTES
from tests.integration.gateway.conftest import tenant_on
from tests.support.signing import signed
from tests.support.stack import AUDIENCE, ISSUER, JWT_SECRET, Stack
from tests.support.tenant import Tenant

MAPPED: Final = {
    "REALTIME_TOKEN_PRESET": "clerk",
    "REALTIME_TOKEN_SCOPES": "admin=tasks+users",
    "REALTIME_TOKEN_DEFAULT_PROPERTIES": "*",
    "REALTIME_TOKEN_MAX_BYTES": str(LARGEST_TOKEN_BYTES),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mapped_stack(
    valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """One gateway that takes the tokens of a provider."""
    folder = tmp_path_factory.mktemp("mapped")
    stack = Stack(valkey_url, folder, key_prefix="mapped:", env=MAPPED)
    await stack.start()
    yield stack
    await stack.stop()


@pytest.fixture
async def mapped(mapped_stack: Stack) -> AsyncIterator[Tenant]:
    """An org on it."""
    async with tenant_on(mapped_stack) as one:
        yield one


def token_of(tenant: Tenant, *, size: int = 0, client: str = AUDIENCE) -> str:
    """Return a token that has almost `size` bytes, or as many as it needs."""
    now_s = time.time()
    claims: dict[str, object] = {
        "iss": ISSUER,
        "azp": client,
        "sub": "user_ada",
        "iat": now_s - 1.5,
        "exp": now_s + 60.5,
        "o": {"id": tenant.org, "rol": "admin"},
    }
    bare = signed(claims, secret=JWT_SECRET.encode())
    # Base64 spells three bytes in four characters.
    filler = "g" * max(0, (size - len(bare)) * 3 // 4 - 20)
    return signed(claims | {"groups": filler}, secret=JWT_SECRET.encode())


async def test_a_token_of_a_provider_opens_a_socket_and_gets_what_its_role_opens(
    mapped: Tenant,
) -> None:
    client = await mapped.connect(token=token_of(mapped), services=["tasks"])
    await mapped.publish("tasks", b'"task"')
    await client.received(1)
    assert client.payloads == [b'"task"']
    status, error = await mapped.refused(token=token_of(mapped), services=["finance"])
    assert (status, error["name"]) == (403, "forbidden")


async def test_a_token_for_another_client_is_refused(mapped: Tenant) -> None:
    status, error = await mapped.refused(token=token_of(mapped, client="other"))
    assert (status, error["name"]) == (401, "unauthorized")


async def test_B82_the_longest_token_connects_and_renews(mapped: Tenant) -> None:
    token = token_of(mapped, size=LARGEST_TOKEN_BYTES)
    assert LARGEST_TOKEN_BYTES - 64 < len(token) <= LARGEST_TOKEN_BYTES
    client = await mapped.connect(token=token)
    await client.say(type="auth", token=token_of(mapped, size=LARGEST_TOKEN_BYTES))
    await client.next("auth")
    longer = token_of(mapped, size=LARGEST_TOKEN_BYTES + 64)
    assert len(longer) > LARGEST_TOKEN_BYTES
    assert (await mapped.refused(token=longer))[0] == 401


async def test_B84_one_token_without_an_id_is_called_back_by_its_hash(mapped: Tenant) -> None:
    token = token_of(mapped)
    client, spared = await mapped.connect(token=token), await mapped.connect(token=token_of(mapped))
    digest = hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()
    await mapped.redis.zadd(mapped.keys.revoked(mapped.org), {digest: time.time() + 60})
    await mapped.redis.execute_command("SPUBLISH", mapped.keys.bell(mapped.org), ":revoked")  # type: ignore[no-untyped-call]
    assert await client.ended() == 4403
    assert spared.is_open
