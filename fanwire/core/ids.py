"""Which org, service and user ids are allowed.

One narrow alphabet everywhere: a `{` would break the hash tag of a Redis key, a `:` its
parts, a `*` an ACL pattern. Ids are checked once, at the edge where they enter.

Rejected: escaping foreign characters in keys. Every publisher in every language would have
to escape alike, and one that forgot would write to a key that is never read.
"""

import re
from typing import Final, NewType

from fanwire.errors import InvalidId

Org = NewType("Org", str)
Service = NewType("Service", str)
UserId = NewType("UserId", str)

MAX_ID_LENGTH: Final = 63
"""As a DNS label, so that an id can be part of a host's name."""

_KINDS: Final = {
    type(None): "null", bool: "true or false", int: "a number", float: "a number",
    list: "a list", dict: "an object",
}  # fmt: skip
"""What JSON calls what Python makes of it."""

_ALLOWED: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_ID_LENGTH - 1}}}").fullmatch


def is_valid_id(text: object) -> bool:
    """Tell whether `text` may name an org, a service or a user."""
    return isinstance(text, str) and _ALLOWED(text) is not None


def id_fault(value: object) -> str:
    """Return in what `value` is no id, in words that follow its name and do not quote it whole."""
    if not isinstance(value, str):
        return f"is {_KINDS.get(type(value), 'something else')}, not a text"
    if not value or len(value) > MAX_ID_LENGTH:
        return f"has {len(value)} characters, allowed are 1 to {MAX_ID_LENGTH}"
    foreign = next((each for each in value if not _ALLOWED(f"a{each}")), None)
    if foreign is None:
        return f"begins with {value[0]!a}, not with a letter or a digit"
    return f"has {foreign!a}, allowed are A-Z a-z 0-9 . _ -"


def checked_org(text: str) -> Org:
    """Return `text` as an org id.

    Raises:
        InvalidId: If it is outside the alphabet or too long.
    """
    return Org(_checked(text, "org"))


def checked_service(text: str) -> Service:
    """Return `text` as a service name; raises InvalidId."""
    return Service(_checked(text, "service"))


def checked_user(text: str) -> UserId:
    """Return `text` as a user id; raises InvalidId."""
    return UserId(_checked(text, "user"))


def _checked(text: str, what: str) -> str:
    if not is_valid_id(text):
        raise InvalidId(what=what, value=text)
    return text
