"""A stand-in for the client of Redis where a part must be given one and must not use it."""

from typing import Any, Final, cast

from redis.asyncio import Redis


class _NoRedis:
    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"Redis was asked for {name}")


NO_REDIS: Final = cast(Redis, _NoRedis())
