"""How many sockets an event goes to, as the open sockets' fields in Redis tell.

Good enough to watch with: a socket that came or went within the last quarter of a second may
be missing or still counted, and what a token's own list of properties keeps back is not known.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, NamedTuple, cast

import redis.asyncio
from redis.exceptions import RedisError

from fanwire.cli.inspect.connections import OpenConnection, connections_of
from fanwire.cli.output import escaped
from fanwire.core.ids import Org
from fanwire.core.keys import Keys
from fanwire.core.property_filter import effective_filter, passes
from fanwire.wire.delivered_event import DeliveredEvent

_FRESH_S: Final = 0.25
"""What a reader takes for at once; a flood of events so reads four times a second."""


class Reach(NamedTuple):
    """Sockets that get an event, and sockets of its service whose filter keeps it from them."""

    sockets: int
    filtered: int


def reach_of(
    connections: Iterable[OpenConnection], *, service: str, property_id: str | None
) -> Reach:
    """Count the sockets for an event."""
    subscribed = [each for each in connections if service in each.services]
    passing = sum(
        passes(effective_filter(None, each.property_id), property_id) for each in subscribed
    )
    return Reach(passing, len(subscribed) - passing)


class OpenSockets:
    """The sockets of an org on all gateways, without those of the users who only watch."""

    def __init__(
        self, client: redis.asyncio.Redis, keys: Keys, org: Org, *, watchers: frozenset[str]
    ) -> None:
        self._client: Any = client
        self._keys = keys
        self._org = org
        self._watchers = watchers
        self._known: list[OpenConnection] = []
        self._read_s = float("-inf")

    async def known(self) -> list[OpenConnection]:
        """Return them as of a moment ago; while Redis is away, as they were."""
        if time.monotonic() - self._read_s > _FRESH_S:
            with suppress(RedisError, OSError):  # that Redis is away is told by others
                self._known = await self._read()
            self._read_s = time.monotonic()
        return self._known

    async def _read(self) -> list[OpenConnection]:
        nodes = await self._client.hkeys(self._keys.gateway_nodes())
        fields = cast(dict[bytes, bytes], await self._client.hgetall(self._keys.subs(self._org)))
        stored = {name.decode(): value for name, value in fields.items()}
        alive = frozenset(node.decode() for node in nodes)
        return [
            each
            for each in connections_of(self._org, stored, alive)
            if each.is_beating and each.user not in self._watchers
        ]


def delivered_line(
    org: str, event: DeliveredEvent, reach: Reach, spent_ms: float
) -> tuple[dict[str, object], str]:
    """Return what to tell of a delivered event, for a program and for people."""
    where = f"  property {escaped(event.property_id)}" if event.property_id else ""
    sockets = "1 socket" if reach.sockets == 1 else f"{reach.sockets} sockets"
    filtered = f" ({reach.filtered} filtered)" if reach.filtered else ""
    text = (
        f"[dim]{time.strftime('%H:%M:%S')}[/dim] {escaped(org)}/{escaped(event.service)}  "
        f"seq {event.position.seq}{where}  → {sockets}{filtered}  {spent_ms:.1f} ms"
    )
    fields: dict[str, object] = {
        "org": org,
        "service": event.service,
        "position": str(event.position),
        "propertyId": event.property_id,
        "sockets": reach.sockets,
        "filtered": reach.filtered,
        "latencyMs": round(spent_ms, 1),
    }
    return fields, text
