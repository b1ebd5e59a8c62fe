"""Knows the revoked tokens of each org that this gateway serves.

Read when an org is opened, at each ring, and by a slow poll. A list that could not be read for
a minute refuses new sockets: a token that was called back must not slip in during an outage.
"""

import asyncio
from collections.abc import Set
from typing import Final

from fanwire.auth.claims import Claims
from fanwire.core.clock import now_ms, wall_ms
from fanwire.core.ids import Org
from fanwire.core.keys import Keys
from fanwire.errors import Forbidden, Unauthorized
from gateway.auth.revoked_tokens import RevokedTokens
from gateway.connection.registry import ConnectionRegistry
from shared.redis.client import as_list
from shared.redis.pipelined import PipelinedRedis, RedisUnavailable
from shared.refresher import Refresher

MAX_AGE_MS: Final = 60_000
"""Shorter than a token lives, longer than a failover takes."""


class Revocations:
    """The lists of all open orgs; `run` must be running."""

    def __init__(
        self, redis: PipelinedRedis, keys: Keys, registry: ConnectionRegistry, *, poll_ms: int
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._registry = registry
        self._poll_ms = poll_ms
        self._known: dict[Org, tuple[RevokedTokens, float]] = {}
        self._refresher = Refresher(
            self._read_all, self._orgs_here, poll_ms=poll_ms, failed="revocations.read_failed"
        )

    async def open(self, org: Org) -> None:
        """Return once the list of `org` is known. Raises RedisUnavailable."""
        if org not in self._known:
            await self._read(org)

    def check(self, claims: Claims) -> None:
        """Refuse a revoked token.

        Raises:
            Unauthorized: If it was revoked.
            RedisUnavailable: If the list is too old to tell.
        """
        revocations, read_ms = self._known.get(claims.org, (None, 0.0))
        if revocations is None or now_ms() - read_ms > MAX_AGE_MS:
            raise RedisUnavailable("the list of revoked tokens is too old")
        if revocations.covers(claims):
            raise Unauthorized("the token was revoked")

    def changed(self, org: Org) -> None:
        """Read the list of `org` again, soon."""
        self._refresher.mark(org)

    async def run(self) -> None:
        """Keep the lists fresh until cancelled."""
        await self._refresher.run()

    async def _orgs_here(self) -> set[Org]:
        here = set(self._registry.orgs())
        # An org that has left is forgotten, and read again with its next socket. What was read
        # a moment ago may be for a socket that is still on its way.
        since_ms = now_ms() - self._poll_ms
        self._known = {
            org: known for org, known in self._known.items() if org in here or known[1] > since_ms
        }
        return here

    async def _read_all(self, orgs: Set[Org]) -> None:
        await asyncio.gather(*map(self._read, orgs))

    async def _read(self, org: Org) -> None:
        # Scored by the expiry of what they revoke: an older one has nothing left to revoke.
        now_s = int(wall_ms() / 1000)
        reply = await self._redis.call("ZRANGE", self._keys.revoked(org), now_s, "+inf", "BYSCORE")
        members = [member.decode() for member in as_list(reply)]
        revocations = RevokedTokens(members)
        self._known[org] = (revocations, now_ms())
        for connection in self._registry.of_org(org):
            if revocations.covers(connection.claims):
                connection.close(Forbidden("the token was revoked"))
