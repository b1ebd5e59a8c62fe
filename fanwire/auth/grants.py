"""What a token grants: the services and properties that it lists, and those that its scopes open.

A text in place of a list, or an asterisk inside one, is a mistake that could be read in two ways;
it is refused. Scopes that the deployment does not name open nothing and harm nothing, since a
provider puts its own among them.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final, TypeGuard

from fanwire.auth.claim_mapping import ClaimMapping, Granted, ScopeGrants
from fanwire.auth.claim_paths import ABSENT, Absent, claim_at
from fanwire.core.ids import is_valid_id
from fanwire.errors import Unauthorized

MAX_TEXT_LENGTH: Final = 128
"""Room for a URN or two UUIDs; such texts go into keys and logs."""


def read_services(payload: Mapping[str, object], mapping: ClaimMapping) -> Granted:
    """Return the services that a token may receive: those it lists, and those of its scopes.

    Raises:
        Unauthorized: If one of the two claims is of another form.
    """
    listed = _names(payload, mapping.services, _is_id)
    opened = ABSENT if mapping.scopes is None else _of_scopes(payload, mapping.scopes)
    if isinstance(listed, Absent):
        return mapping.defaults.services if isinstance(opened, Absent) else opened
    return listed if isinstance(opened, Absent) else _union([listed, opened])


def read_properties(payload: Mapping[str, object], mapping: ClaimMapping) -> Granted:
    """Return the properties that a token may see; raises Unauthorized."""
    listed = _names(payload, mapping.properties, is_plain_text)
    return mapping.defaults.properties if isinstance(listed, Absent) else listed


def _names(
    payload: Mapping[str, object], name: str, is_name: Callable[[object], TypeGuard[str]]
) -> Granted | Absent:
    value = claim_at(payload, name)
    if isinstance(value, Absent):
        return value
    if value == "*":
        return None
    # An asterisk inside a list is a mistake for one in its place; to guess would widen rights.
    if not isinstance(value, list) or "*" in value or not all(map(is_name, value)):
        raise Unauthorized(f'the claim {name} is neither "*" nor a list of names')
    return _shared(tuple(value))


def _of_scopes(payload: Mapping[str, object], grants: ScopeGrants) -> Granted | Absent:
    value = claim_at(payload, grants.claim)
    if isinstance(value, Absent):
        return value
    scopes = value.split(" ") if isinstance(value, str) else value
    if not isinstance(scopes, list) or not all(isinstance(each, str) for each in scopes):
        raise Unauthorized(f"the claim {grants.claim} is neither a text nor a list of texts")
    return _union(grants.services[each] for each in scopes if each in grants.services)


def _union(granted: Iterable[Granted]) -> Granted:
    names: list[str] = []
    for each in granted:
        if each is None:
            return None
        names += each
    return _shared(tuple(sorted(set(names))))


@lru_cache(maxsize=512)
def _shared(names: tuple[str, ...]) -> frozenset[str]:
    # Ten thousand sockets of one app list the same few names: one set serves them all.
    return frozenset(names)


def is_plain_text(value: object) -> TypeGuard[str]:
    """Tell whether `value` may stand in keys and logs as it is."""
    # `isprintable` refuses control characters, bidirectional marks and lone surrogates.
    return isinstance(value, str) and 0 < len(value) <= MAX_TEXT_LENGTH and value.isprintable()


def _is_id(value: object) -> TypeGuard[str]:
    return is_valid_id(value)
