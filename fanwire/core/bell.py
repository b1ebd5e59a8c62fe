"""The messages on the bell of an org: what to read, never the content.

    <service> <position>       a topic moved
    :subs <version> <field>    a subscription changed
    :kick <field>              an operator wants sockets closed
    :revoked                   tokens were called back
    :flags                     something was switched off or on

A service cannot begin with a colon. What is not understood comes from a newer version of the
cluster and is ignored: a message may get lost anyway, and the sweeps read what it announced.
Scripts spell their messages themselves, and `contract/bell/` holds them to this page.
"""

from dataclasses import dataclass

from fanwire.core.ids import Service
from fanwire.core.position import Position, parse_position
from fanwire.errors import InvalidPosition


@dataclass(frozen=True, slots=True)
class TopicMoved:
    """A batch was committed; a position that cannot be read is None, and a reason to look."""

    service: Service
    position: Position | None


@dataclass(frozen=True, slots=True)
class SubscriptionChanged:
    """A field of `subs:{org}` was changed under this version."""

    version: int
    field: str


@dataclass(frozen=True, slots=True)
class KickRequested:
    """The sockets of this field of `subs:{org}` are to be closed: one, or all of a user."""

    field: str


@dataclass(frozen=True, slots=True)
class TokensRevoked:
    """`revoked:{org}` was changed."""


@dataclass(frozen=True, slots=True)
class FlagsChanged:
    """`flags:{org}` was changed."""


BellMessage = TopicMoved | SubscriptionChanged | KickRequested | TokensRevoked | FlagsChanged


def parse_bell(text: str) -> BellMessage | None:
    """Return what a message says, or None if this version does not know it."""
    match text.split(" "):
        case [":subs", version, field] if version.isdecimal():
            return SubscriptionChanged(int(version), field)
        case [":kick", field]:
            return KickRequested(field)
        case [":revoked"]:
            return TokensRevoked()
        case [":flags"]:
            return FlagsChanged()
        case [service, position] if not service.startswith(":"):
            return TopicMoved(Service(service), _position(position))
        case _:
            return None


def encode_bell(message: BellMessage) -> str:
    """Return the text that `parse_bell` reads."""
    match message:
        case TopicMoved(service, position):
            return f"{service} {position}"
        case SubscriptionChanged(version, field):
            return f":subs {version} {field}"
        case KickRequested(field):
            return f":kick {field}"
        case TokensRevoked():
            return ":revoked"
        case FlagsChanged():
            return ":flags"


def _position(text: str) -> Position | None:
    try:
        return parse_position(text)
    except InvalidPosition:
        return None
