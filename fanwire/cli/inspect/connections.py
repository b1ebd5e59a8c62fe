"""The open sockets of all gateways, as their fields in `subs:{org}` tell of them.

A gateway that was killed leaves fields behind for about a minute, until a neighbour removes
them; so each row tells whether its gateway still beats.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fanwire.core.connection_ids import connection_field, node_of, split_field
from fanwire.core.ids import Org, UserId
from fanwire.core.keys import Keys
from fanwire.core.subscription import decode_subscription

_PORTION: Final = 1_000
"""A hundred times Redis' default: fewer trips, each still short for the server."""


@dataclass(frozen=True, slots=True)
class OpenConnection:
    """One socket."""

    org: Org
    user: UserId
    id: str
    services: tuple[str, ...]
    property_id: str | None
    version: int
    """Of the change that made it so; 0 since the upgrade."""
    is_beating: bool

    @property
    def node(self) -> str:
        """The gateway on which it lives."""
        return node_of(self.id)

    @property
    def field(self) -> str:
        """Its field in `subs:{org}`."""
        return connection_field(self.user, self.id)

    def as_dict(self) -> dict[str, object]:
        """Return it for `--json`."""
        return {
            "org": self.org,
            "user": self.user,
            "connectionId": self.id,
            "node": self.node,
            "services": self.services,
            "propertyId": self.property_id,
            "version": self.version,
            "gatewayAlive": self.is_beating,
        }


def read_connections(
    client: Any, keys: Keys, org: Org | None, nodes: frozenset[str]
) -> Iterator[OpenConnection]:
    """Yield the sockets of an org, or of all; `nodes` are the gateways that beat."""
    for each in [org] if org is not None else _orgs(client, keys):
        fields = {
            name.decode(): stored
            for name, stored in client.hscan_iter(keys.subs(each), count=_PORTION)
        }
        yield from connections_of(each, fields, nodes)


def connections_of(
    org: Org, fields: Mapping[str, bytes], nodes: frozenset[str]
) -> Iterator[OpenConnection]:
    """Yield the sockets that the fields of `subs:{org}` tell of, by user."""
    for field in sorted(fields):
        user, connection_id = split_field(field)
        if not connection_id:
            continue
        stored = [decode_subscription(fields[name]) for name in (user, field) if name in fields]
        # The newest change counts, be it of this socket or of all of the user.
        newest = max(stored, key=lambda each: each.version)
        yield OpenConnection(
            org,
            user,
            connection_id,
            services=tuple(sorted(newest.services)),
            property_id=newest.property_id,
            version=newest.version,
            is_beating=node_of(connection_id) in nodes,
        )


def _orgs(client: Any, keys: Keys) -> list[Org]:
    found = client.scan_iter(keys.subs_pattern(), count=_PORTION, _type="hash")
    orgs = {keys.parse_subs(key.decode(errors="replace")) for key in found}
    return sorted(org for org in orgs if org is not None)
