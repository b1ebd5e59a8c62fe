"""The heartbeats of all gateways, this one's own among them."""

from fanwire.core.heartbeats import GatewayHeartbeat, decode_beat
from fanwire.core.keys import Keys
from shared.redis.client import as_hash
from shared.redis.pipelined import PipelinedRedis


async def read_nodes(redis: PipelinedRedis, keys: Keys) -> dict[str, GatewayHeartbeat | None]:
    """Return the heartbeat of each node, None where it cannot be read. Raises RedisUnavailable."""
    stored = as_hash(await redis.call("HGETALL", keys.gateway_nodes()))
    return {name.decode(): decode_beat(GatewayHeartbeat, beat) for name, beat in stored.items()}
