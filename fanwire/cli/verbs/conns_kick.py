"""`fanwire conns kick`: close sockets wherever they live.

The order is a ring on the org's bell, which every gateway with a socket of the org hears. A
ring may be lost, so the effect is watched: an ended socket's field disappears.
"""

import time
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from fanwire.cli.context import Context, context_of
from fanwire.cli.exit_codes import Exit
from fanwire.cli.inspect.connections import OpenConnection, read_connections
from fanwire.cli.inspect.nodes import beating, read_gateways, server_ms
from fanwire.cli.mistakes import UsageMistake
from fanwire.cli.org_or_verb import OrgOption, org_of
from fanwire.cli.output import escaped
from fanwire.cli.redis_calls import asked
from fanwire.core.bell import BellMessage, KickRequested, TokensRevoked, encode_bell
from fanwire.core.ids import Org
from fanwire.core.keys import Keys
from fanwire.errors import RealtimeError
from fanwire.tokens import LONGEST_TTL_S

_LOOK_EVERY_S: Final = 0.05
"""Soon enough to look immediate, seldom enough to cost Redis nothing."""

_RING_AGAIN_S: Final = 1.0


class NoSuchConnection(RealtimeError):
    """No open socket is meant by this."""

    name = "no_such_connection"
    retryable = False
    remedy = "`fanwire conns` lists the open sockets."


def kick(
    ctx: typer.Context,
    connection_id: Annotated[str | None, typer.Argument(help="As `fanwire conns` has it.")] = None,
    *,
    org: OrgOption = None,
    user: Annotated[str | None, typer.Option(help="All sockets of this user of --org.")] = None,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="For good: call back the user's tokens.")
    ] = False,
) -> None:
    """Close one socket, or all of a user; their clients reconnect and resume.

    With --revoke the user's tokens issued until now are called back: every socket of the user
    is closed for good, until the issuer of tokens hands out a new one.

    Examples:

        fanwire conns kick gw-1~Qz3kP0aVb1Yx

        fanwire conns kick --org acme --user ada --revoke
    """
    if (connection_id is None) == (user is None):
        raise UsageMistake("kick takes a CONNECTION_ID, or --org ORG --user USER")
    of_org = org_of(org)
    if user is not None and of_org is None:
        raise UsageMistake("--user needs --org: a user of what org?")
    context = context_of(ctx)
    keys = Keys(context.key_prefix())
    targets = _targets(context, keys, of_org, connection_id, user, is_wide=revoke)
    spent_ms, left = asked(
        context, lambda client: _Kick(client, keys, targets, revoke=revoke).run(context.timeout_s)
    )
    _report(context, targets, left, spent_ms)
    if left:
        raise SystemExit(Exit.FAILED)


def _targets(
    context: Context,
    keys: Keys,
    org: Org | None,
    connection_id: str | None,
    user: str | None,
    *,
    is_wide: bool,
) -> list[OpenConnection]:
    found = asked(
        context,
        lambda client: list(
            read_connections(client, keys, org, beating(read_gateways(client, keys)))
        ),
    )
    targets = [each for each in found if connection_id == each.id or user == each.user]
    if not targets:
        raise NoSuchConnection(f"no open socket {connection_id or f'of user {org}/{user}'}")
    if is_wide:
        # A user's tokens are called back together, so its other sockets go as well.
        first = targets[0]
        return [each for each in found if (each.org, each.user) == (first.org, first.user)]
    return targets


class _Kick:
    """One order, given until it is carried out or time is up."""

    def __init__(
        self, client: Any, keys: Keys, targets: Sequence[OpenConnection], *, revoke: bool
    ) -> None:
        self._client = client
        self._keys = keys
        self._org = targets[0].org
        self._targets = targets
        self._is_revoking = revoke

    def run(self, timeout_s: float) -> tuple[int, list[OpenConnection]]:
        """Return how many ms it took, and which sockets are still there."""
        start_s, rung_s = time.monotonic(), float("-inf")
        if self._is_revoking:
            self._revoke()
        left = list(self._targets)
        while left and time.monotonic() - start_s < timeout_s:
            if time.monotonic() - rung_s >= _RING_AGAIN_S:
                rung_s = time.monotonic()
                self._ring(left)
            fields = [each.field for each in left]
            stored = self._client.hmget(self._keys.subs(self._org), fields)
            left = [each for each, found in zip(left, stored, strict=True) if found is not None]
            # Their gateway is gone, and cannot hear it; their fields are cleared up in a minute.
            left = [each for each in left if each.is_beating]
            if left:
                time.sleep(_LOOK_EVERY_S)
        return round((time.monotonic() - start_s) * 1000), left

    def _ring(self, left: Sequence[OpenConnection]) -> None:
        kicks: list[BellMessage] = [KickRequested(each.field) for each in left]
        for message in [TokensRevoked()] if self._is_revoking else kicks:
            bell = self._keys.bell(self._org)
            self._client.execute_command("SPUBLISH", bell, encode_bell(message))

    def _revoke(self) -> None:
        now_s = server_ms(self._client) // 1000
        member = f"{self._targets[0].user}@{now_s}"
        # By then the last token issued before now has ended: nothing is left to revoke.
        until_s = now_s + LONGEST_TTL_S
        self._client.zadd(self._keys.revoked(self._org), {member: until_s})


def _report(
    context: Context,
    targets: Sequence[OpenConnection],
    left: Sequence[OpenConnection],
    spent_ms: int,
) -> None:
    missed = {each.id for each in left}
    for each in targets:
        ending = "still open" if each.id in missed else "closed"
        if not each.is_beating:
            ending = "its gateway is gone"
        fields = {"connectionId": each.id, "org": each.org, "user": each.user, "ending": ending}
        context.output.result(
            {**fields, "afterMs": spent_ms}, f"{escaped(each.id)}  {each.org}/{each.user}  {ending}"
        )
    if left:
        context.output.note(
            f"after {spent_ms} ms {len(left)} of {len(targets)} are still open: is their gateway "
            "older than this command, or cut off from Redis?"
        )
