"""Closes sockets that an operator wants gone, wherever they live.

The ring itself is the order: there is nothing to read, and one that gets lost is given again by
the operator who sees the socket still there. The client may come back, at once and with all
that it missed; a client that must stay away is revoked (gateway/session/revocations.py).
"""

from fanwire.core.connection_ids import split_field
from fanwire.core.ids import Org
from fanwire.errors import Kicked
from gateway.connection.connection import Connection
from gateway.connection.registry import ConnectionRegistry
from shared.logs import logger

log = logger()


class Kick:
    """Carries out the `:kick` rings."""

    def __init__(self, registry: ConnectionRegistry) -> None:
        self._registry = registry

    def kick(self, org: Org, field: str) -> None:
        """Close one connection, or all of a user, by their field in `subs:{org}`."""
        user, connection_id = split_field(field)
        for connection in list(self._registry.of_user(org, user)):
            if connection_id in ("", connection.id):
                self._close(connection)

    def _close(self, connection: Connection) -> None:
        log.info("conn.kicked", connection=connection.id)
        connection.close(Kicked("an operator closed this socket"))
