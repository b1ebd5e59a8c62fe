"""Tokens that expire, are renewed, narrowed, swapped or called back while a socket is open."""

import asyncio
import time

import pytest

from tests.support.client_ledger import ClientLedger
from tests.support.flow import Flow
from tests.support.signing import signed
from tests.support.stack import AUDIENCE, ISSUER, JWT_SECRET
from tests.support.tenant import Tenant


async def test_an_expired_token_ends_its_socket(hasty: Tenant) -> None:
    client = await hasty.connect(token=hasty.token(ttl_s=2))
    expires_s = client.hello["tokenExpiresAt"] / 1000
    other = await hasty.connect()
    assert await client.ended() == 4401
    assert -0.1 < time.time() - expires_s < 1
    (error,) = client.of_type("error")
    assert (error["name"], error["retryable"]) == ("unauthorized", True)
    assert other.is_open


async def test_a_fresh_token_in_time_keeps_the_socket(hasty: Tenant) -> None:
    client = await hasty.connect(token=hasty.token(ttl_s=2))
    async with Flow(hasty, "tasks", per_s=50) as flow:
        fresh = hasty.token(ttl_s=3600)
        await client.say(type="auth", token=fresh)
        accepted = await client.next("auth")
        assert accepted["tokenExpiresAt"] > client.hello["tokenExpiresAt"] + 3_000_000
        await asyncio.sleep(max(0.0, client.hello["tokenExpiresAt"] / 1000 + 0.7 - time.time()))
        assert client.is_open, "the first token's end has passed"
    await client.received(flow.count)
    ledger = ClientLedger()
    ledger.take(client)
    ledger.check("tasks", range(flow.count))


async def test_a_fresh_token_with_fewer_services_narrows_the_socket(hasty: Tenant) -> None:
    client = await hasty.connect(services=["tasks", "users", "finance"])
    await client.say(type="auth", token=hasty.token(services=["tasks", "users"]))
    frame = await client.next("subscriptions")
    assert [row["name"] for row in frame["services"]] == ["tasks", "users"]
    await client.next("auth")
    await hasty.publish("finance", b'"finance"')
    witness = await hasty.connect(services=["finance"], resume={"finance": "0-0"})
    await witness.received(1)
    await hasty.publish("tasks", b'"tasks"')
    await client.received(1)
    assert client.payloads == [b'"tasks"']
    answer = await hasty.update(services=["tasks", "finance"])
    frame = await client.next("subscriptions", version=answer.json()["version"])
    assert [row["name"] for row in frame["services"]] == ["tasks"]


async def test_a_fresh_token_with_fewer_properties_narrows_the_socket(hasty: Tenant) -> None:
    client = await hasty.connect()
    await client.say(type="auth", token=hasty.token(properties=["p1"]))
    await client.next("auth")
    for of in ("p2", "p1"):
        await hasty.publish("tasks", b'"%b"' % of.encode(), propertyId=of)
    await hasty.publish("tasks", b'"all"')
    await client.received(2)
    assert client.payloads == [b'"p1"', b'"all"']


async def test_a_fresh_token_does_not_widen_what_was_asked_for(hasty: Tenant) -> None:
    client = await hasty.connect(token=hasty.token(services=["tasks"]))
    await client.say(type="auth", token=hasty.token(services=["tasks", "users"]))
    await client.next("auth")
    await hasty.publish("users", b'"users"')
    await hasty.publish("tasks", b'"tasks"')
    await client.received(1)
    answer = await hasty.update(services=["tasks", "users"])
    frame = await client.next("subscriptions", version=answer.json()["version"])
    assert len(frame["services"]) == 2, "but it may ask for more now"


@pytest.mark.parametrize("claims", [{"sub": "bob"}, {"org": "another-org"}], ids=["user", "org"])
@pytest.mark.parametrize("case", ["B88"])
async def test_a_fresh_token_of_somebody_else_is_forbidden(
    hasty: Tenant, claims: dict[str, str], case: str
) -> None:
    client = await hasty.connect()
    await client.say(type="auth", token=hasty.token(**claims))
    assert await client.ended() == 4403
    assert client.of_type("auth") == []


@pytest.mark.parametrize("token", ["x.y.z", "", 7], ids=["no token", "empty", "number"])
async def test_a_fresh_token_that_is_none_ends_the_socket(hasty: Tenant, token: object) -> None:
    client = await hasty.connect()
    await client.say(type="auth", token=token)
    assert await client.ended() == (4401 if token == "x.y.z" else 4400)


@pytest.mark.parametrize("case", ["B84"])
@pytest.mark.parametrize("kind", ["token", "user"])
async def test_a_revoked_token_is_out_within_a_second(hasty: Tenant, kind: str, case: str) -> None:
    revoked, jti = token_of(hasty, "ada")
    other, _ = token_of(hasty, "bob")
    clients = [await hasty.connect(token=revoked) for _ in range(2)]
    spared = await hasty.connect(token=other)
    member = jti if kind == "token" else f"ada@{int(time.time())}"
    started = time.monotonic()
    await hasty.redis.zadd(hasty.keys.revoked(hasty.org), {member: time.time() + 3600})
    await hasty.redis.execute_command("SPUBLISH", hasty.keys.bell(hasty.org), ":revoked")  # type: ignore[no-untyped-call]
    for client in clients:
        assert await client.ended() == 4403
    assert time.monotonic() - started < 1
    assert spared.is_open
    status, error = await hasty.refused(token=revoked)
    assert (status, error["name"]) == (401, "unauthorized")
    assert (await hasty.update(token=revoked, services=[])).status_code == 401
    if kind == "token":
        another, _ = token_of(hasty, "ada", issued_s_ago=5)
        client = await hasty.connect(token=another)
        await client.say(type="auth", token=revoked)
        assert await client.ended() == 4401


async def test_a_revocation_without_a_ring_is_found_by_the_poll(tenant: Tenant) -> None:
    token, jti = token_of(tenant, "ada")
    client = await tenant.connect(token=token)
    await tenant.redis.zadd(tenant.keys.revoked(tenant.org), {jti: time.time() + 3600})
    assert await client.ended() == 4403


def token_of(tenant: Tenant, user: str, *, issued_s_ago: int = 0) -> tuple[str, str]:
    """Return a good token and its id."""
    now_s = int(time.time()) - issued_s_ago
    jti = f"{user}-{now_s}-{tenant.org}"
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "org": tenant.org,
        "sub": user,
        "iat": now_s,
        "exp": now_s + 3600,
        "jti": jti,
        "services": "*",
        "properties": "*",
    }
    return signed(claims, secret=JWT_SECRET.encode()), jti
