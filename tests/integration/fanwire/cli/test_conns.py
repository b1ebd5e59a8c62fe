"""`fanwire conns` with two gateways."""

import orjson
import pytest
from redis.asyncio import Redis

from fanwire.core.ids import Org
from fanwire.core.keys import Keys
from tests.conftest import StartStack
from tests.integration.fanwire.cli.conftest import Ask
from tests.support.stack import Stack
from tests.support.tenant import Tenant
from tests.support.waiting import eventually

ACME = Org("acme")
PAIR = {"GATEWAY_SUBSCRIPTION_POLL_MS": "500"}


@pytest.fixture
async def stack(start_stack: StartStack) -> Stack:
    return await start_stack(gateways=2, env=PAIR)


async def test_sockets_of_all_gateways_are_listed(ask: Ask, stack: Stack, redis: Redis) -> None:
    tenant = Tenant(stack, redis, org="acme")
    first = await tenant.connect(0, services=("tasks",), property_id="p9")
    second = await tenant.connect(1, services=("users",), token=tenant.token(sub="eve"))

    async def rows() -> list[dict[str, object]]:
        return (await ask("conns", "acme", "--json")).rows

    found = await eventually(rows)
    assert [(row["connectionId"], row["user"], row["node"]) for row in found] == [
        (first.connection_id, "ada", "gw-0"),
        (second.connection_id, "eve", "gw-1"),
    ]
    assert (found[0]["services"], found[0]["propertyId"]) == (["tasks"], "p9")
    assert all(row["gatewayAlive"] for row in found)
    told = await ask("conns", "--user", "eve")
    assert "gw-1" in told.out
    assert "gw-0" not in told.out
    await tenant.close()


async def test_a_kicked_socket_is_closed_with_a_code_that_lets_it_come_back(
    ask: Ask, stack: Stack, redis: Redis
) -> None:
    tenant = Tenant(stack, redis, org="acme")
    kept = await tenant.connect(0)
    kicked = await tenant.connect(1)
    ran = await ask("conns", "kick", kicked.connection_id, "--json")
    assert ran.code == 0
    assert [row["ending"] for row in ran.rows] == ["closed"]
    assert await kicked.ended() == 1012
    assert kicked.frames[-1].fields["name"] == "kicked"
    assert kept.is_open
    back = await tenant.connect(1)
    assert back.is_open
    assert (await ask("conns", "kick", kicked.connection_id)).code == 1
    await tenant.close()


async def test_a_revoked_user_loses_every_socket_and_is_not_let_in(
    ask: Ask, stack: Stack, redis: Redis
) -> None:
    tenant = Tenant(stack, redis, org="acme")
    token = tenant.token(sub="eve")
    sockets = [await tenant.connect(n, token=token) for n in range(2)]
    other = await tenant.connect(0)
    ran = await ask("conns", "kick", "--org", "acme", "--user", "eve", "--revoke", "--json")
    assert ran.code == 0
    assert [row["ending"] for row in ran.rows] == ["closed", "closed"]
    assert [await socket.ended() for socket in sockets] == [4403, 4403]
    assert (await tenant.refused(0, token=token))[0] == 401
    assert other.is_open
    await tenant.close()


async def test_the_sockets_of_a_dead_gateway_are_told_as_such(
    ask: Ask, redis: Redis, key_prefix: str
) -> None:
    wish = orjson.dumps({"services": ["tasks"], "propertyId": None, "propertyVersion": 0})
    await redis.hset(Keys(key_prefix).subs(ACME), "ada#gone~x", b"0 " + wish)
    assert "gone, silent" in (await ask("conns")).out
    ran = await ask("conns", "kick", "gone~x")
    assert ran.code == 0
    assert "its gateway is gone" in ran.out
