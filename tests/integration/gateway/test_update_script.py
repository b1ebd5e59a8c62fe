"""The script behind update-services, on a real server."""

from redis.asyncio import Redis

from fanwire.core.bell import SubscriptionChanged, parse_bell
from fanwire.core.ids import Org
from fanwire.core.keys import Keys
from fanwire.core.subscription import (
    VERSION_FIELD,
    decode_subscription,
    encode_change,
    encode_subscription,
)
from shared.redis.scripts import Script
from tests.support.channel import heard_on
from tests.support.gateway_values import TASKS
from tests.support.redis_reads import read_hash

UPDATE = Script("update_subscription")
ACME = Org("acme")


async def change(redis: Redis, keys: Keys, *, expected: bytes = b"") -> int:
    reply = await UPDATE(redis, [keys.subs(ACME), keys.bell(ACME)], ["alice", expected, "{}", "0"])
    return int(reply)


async def test_versions_go_up_by_one(redis: Redis, key_prefix: str) -> None:
    keys = Keys(key_prefix)
    first = await change(redis, keys)
    assert await change(redis, keys, expected=b"%d {}" % first) == first + 1


async def test_F17_a_hash_that_was_lost_goes_on_above_the_versions_that_sockets_hold(
    redis: Redis, key_prefix: str
) -> None:
    keys = Keys(key_prefix)
    before = await change(redis, keys)
    await redis.delete(keys.subs(ACME))
    assert await change(redis, keys) > before


async def test_a_field_that_changed_meanwhile_is_left_alone(redis: Redis, key_prefix: str) -> None:
    keys = Keys(key_prefix)
    await change(redis, keys)
    assert await change(redis, keys) == 0


async def test_what_a_change_says_on_the_bell_is_what_the_gateways_read(
    redis: Redis, key_prefix: str
) -> None:
    keys = Keys(key_prefix)
    async with heard_on(redis, keys.bell(ACME)) as bell:
        version = await change(redis, keys)
        assert parse_bell(await bell()) == SubscriptionChanged(version, "alice")


async def test_what_the_script_stores_is_read_as_a_subscription(
    redis: Redis, key_prefix: str
) -> None:
    keys = Keys(key_prefix)
    body = encode_change(services=frozenset([TASKS]), property_id="p9", property_version=None)
    reply = await UPDATE(redis, [keys.subs(ACME), keys.bell(ACME)], ["alice", "", body, "0"])
    version = int(reply)
    stored = await read_hash(redis, keys.subs(ACME))
    assert decode_subscription(stored[b"alice"]).version == version
    assert stored[b"alice"] == encode_subscription(version, body)
    assert int(stored[VERSION_FIELD.encode()]) == version
