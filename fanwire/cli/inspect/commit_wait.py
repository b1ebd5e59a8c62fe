"""Waiting until the fanout worker has taken an entry."""

import time
from typing import Any, Final

import redis

from fanwire.core.ids import checked_org, checked_service
from fanwire.core.keys import Keys, Topic
from fanwire.core.position import parse_position
from fanwire.errors import RealtimeError
from fanwire.publish.new_event import NewEvent
from fanwire.redis.clients import sync_client
from fanwire.redis.errors import as_realtime_error

_EVERY_S: Final = 0.01
"""A third of the shortest window, so that the wait is told nearly to the moment."""


class NotCommitted(RealtimeError):
    """The event is in Redis, but no worker took it in time."""

    name = "not_committed"
    remedy = "Check that a fanout worker runs on this Redis with the same key prefix."


def await_commit(
    url: str, key_prefix: str, event: NewEvent, entry_id: str, *, timeout_s: float
) -> int:
    """Wait until the topic's cursor has passed an entry, and return how many ms that took.

    Raises:
        NotCommitted: If it does not pass in time.
    """
    topic = Topic(checked_org(event.org), checked_service(event.service))
    key, wanted = Keys(key_prefix).topic(topic), parse_position(entry_id)
    start_s = time.monotonic()
    client: Any = sync_client(url, decode_responses=True)
    try:
        while time.monotonic() - start_s < timeout_s:
            cursor = client.hget(key, "cursor")
            # An entry id has the form of a position, and is ordered like one.
            if cursor is not None and parse_position(cursor) >= wanted:
                return round((time.monotonic() - start_s) * 1000)
            time.sleep(_EVERY_S)
    except redis.RedisError as failure:
        raise as_realtime_error(failure) from failure
    finally:
        client.close()
    raise NotCommitted(f"{topic} entry {entry_id} was not taken within {timeout_s:g} s")
