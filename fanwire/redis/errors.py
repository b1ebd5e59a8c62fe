"""What redis-py's exceptions mean to our callers."""

from typing import Final

from redis import exceptions as redis_errors

from fanwire.errors import Busy, RealtimeError, RedisRefused, RedisUnauthorized, Unreachable

_LOGIN: Final = (
    redis_errors.AuthenticationError,
    redis_errors.AuthorizationError,
    redis_errors.NoPermissionError,
)
# The connection broke, or a failover or restart is under way: the answer will differ soon.
_PASSING: Final = (
    redis_errors.ConnectionError,
    redis_errors.TimeoutError,
    redis_errors.ReadOnlyError,
    redis_errors.BusyLoadingError,
    redis_errors.TryAgainError,
    OSError,
)


def as_realtime_error(error: Exception) -> RealtimeError:
    """Return our error that `error` amounts to."""
    # The login first: redis-py makes a refused one a kind of lost connection.
    if isinstance(error, _LOGIN):
        return RedisUnauthorized(f"Redis refuses: {error}")
    if isinstance(error, redis_errors.OutOfMemoryError):
        return Busy("Redis is out of memory, nothing was written", retry_after_ms=1000)
    if isinstance(error, _PASSING):
        return Unreachable(f"no answer from Redis: {error}")
    return RedisRefused(f"Redis refuses: {error}")
