"""Connection ids and their fields in `subs:{org}`, as gateways write them and tools read them."""

from typing import Final

from fanwire.core.ids import UserId

_NODE_END: Final = "~"
_USER_END: Final = "#"


def new_connection_id(node: str, random_part: str) -> str:
    """Return an id that cannot be guessed and that names its node."""
    return f"{node}{_NODE_END}{random_part}"


def node_of(connection_id: str) -> str:
    """Return the node on which a connection lives."""
    return connection_id.partition(_NODE_END)[0]


def connection_field(user: UserId, connection_id: str) -> str:
    """Return the field of one connection of `user`."""
    return f"{user}{_USER_END}{connection_id}"


def split_field(field: str) -> tuple[UserId, str]:
    """Return the user and the connection of a field; without one, it is the user's own."""
    user, _, connection_id = field.partition(_USER_END)
    return UserId(user), connection_id
