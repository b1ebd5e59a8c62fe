"""Asking Redis on behalf of a verb: one client, bounded waits, errors in our own words."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from fanwire.cli.context import Context
from fanwire.publish.calls import REDIS_OPTIONS
from fanwire.redis.clients import sync_client
from fanwire.redis.errors import as_realtime_error

_CONNECT_S: Final = 5.0
"""A server that is there accepts sooner; --timeout is for what it then has to do."""

T = TypeVar("T")


def asked(context: Context, question: Callable[[Any], T]) -> T:
    """Return what `question` makes of a client of the context's Redis.

    Raises:
        RealtimeError: If Redis cannot be reached or refuses.
    """
    client = redis_client(context.redis(), timeout_s=context.timeout_s)
    try:
        return question(client)
    except redis.RedisError as failure:
        raise as_realtime_error(failure) from failure
    finally:
        client.close()


def redis_client(url: str, *, timeout_s: float) -> Any:
    """Return a client that waits for an answer at most so long, and asks once."""
    waits = {
        "socket_connect_timeout": min(timeout_s, _CONNECT_S),
        "socket_timeout": timeout_s,
    }
    return sync_client(url, retry=Retry(NoBackoff(), 0), **{**REDIS_OPTIONS, **waits})
