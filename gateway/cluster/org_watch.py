"""What a gateway must know of an org before it lets anybody of it in: one way for every route."""

import asyncio
from typing import Final

from fanwire.auth.claims import Claims
from fanwire.core.ids import Org
from gateway.delivery.bell import Bell
from gateway.flow_control.flow_control import FlowControl
from gateway.flow_control.switches import switched_off
from gateway.session.revocations import Revocations
from shared.redis.pipelined import RedisUnavailable

LONGEST_PREPARATION_S: Final = 3.0
"""A browser gives up on a handshake after some tens of seconds; its client retries sooner."""


class OrgWatch:
    """Opens orgs: their bell, their revoked tokens, their switches."""

    def __init__(self, bell: Bell, revocations: Revocations, flow: FlowControl) -> None:
        self._bell = bell
        self._revocations = revocations
        self._switch_sync = flow.switch_sync
        self._switches = flow.switches

    async def follow(self, claims: Claims) -> None:
        """Return once nothing that happens to the caller's org can pass unheard.

        Raises:
            RedisUnavailable: If that cannot be had in time.
            Unauthorized: If the caller's token was revoked.
        """
        if not self._bell.hears(claims.org):
            try:
                async with asyncio.timeout(LONGEST_PREPARATION_S):
                    await self._bell.listen(claims.org)
            except TimeoutError:
                raise RedisUnavailable("its bell is not heard") from None
        await self.know(claims)

    async def know(self, claims: Claims) -> None:
        """Return once it is known what is revoked and switched off for the caller's org.

        Raises:
            RedisUnavailable: If it cannot be read.
            Unauthorized: If the caller's token was revoked.
        """
        await self._revocations.open(claims.org)
        await self._switch_sync.open(claims.org)
        self._revocations.check(claims)

    def refuse_if_off(self, org: Org) -> None:
        """Raise Disabled while everything is switched off for `org`."""
        if self._switches.of(org).emergency:
            raise switched_off()
