"""Which claim of a token holds what, for issuers that do not use our names.

The mapping is the operator's, and nothing in a token changes it. Without one, the names are ours
and nothing has a default, so that a deployment that maps nothing accepts what it always did.

A default stands where a claim is absent. A claim that is there and wrong is refused all the same:
a default in its place would give a broken token the rights of a good one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from fanwire.core.ids import Org, is_valid_id

Granted = frozenset[str] | None
"""Names that are granted; None stands for all."""

NOTHING: Final[Granted] = frozenset()
ALL: Final = "*"


@dataclass(frozen=True, slots=True)
class ClaimDefaults:
    """What stands in for a claim that a token does not have."""

    org: Org | None = None
    services: Granted = NOTHING
    properties: Granted = NOTHING


@dataclass(frozen=True, slots=True)
class ScopeGrants:
    """The services that each scope, role or group opens; the others open none."""

    claim: str
    services: Mapping[str, Granted]


@dataclass(frozen=True, slots=True)
class ClaimMapping:
    """The names of the claims, and what stands in for absent ones."""

    user: str = "sub"
    org: str = "org"
    services: str = "services"
    properties: str = "properties"
    publish: str = "publish"
    client: str | None = None
    """Compared with the audience in a token without `aud`; None refuses such tokens."""
    token_id_is_optional: bool = False
    """A token without `jti` is known by its hash."""
    scopes: ScopeGrants | None = None
    defaults: ClaimDefaults = field(default_factory=ClaimDefaults)


def granted_services(names: Iterable[str]) -> Granted:
    """Return the services that a setting lists, or all for `*`.

    Raises:
        ValueError: If one is no name of a service, or the asterisk does not stand alone.
    """
    listed = frozenset(names)
    if ALL in listed and len(listed) == 1:
        return None
    for name in sorted(listed):
        if not is_valid_id(name):
            raise ValueError("must be names of services, or * alone for all")
    return listed


def granted_properties(names: Iterable[str]) -> Granted:
    """Return the properties that a setting lists, or all for `*`; raises ValueError."""
    listed = frozenset(names)
    if ALL in listed and len(listed) == 1:
        return None
    if ALL in listed or not all(map(str.isprintable, listed)):
        raise ValueError("must be ids of properties, or * alone for all")
    return listed


def scope_services(entries: Iterable[str]) -> Mapping[str, Granted]:
    """Return what `scope=service+service` or `scope=*` grants, entry by entry.

    Raises:
        ValueError: If an entry has another form, or a scope stands twice.
    """
    grants: dict[str, Granted] = {}
    for entry in entries:
        # The last one: a scope may be a URL with a query, and a service has none in its name.
        scope, equals, services = entry.rpartition("=")
        if not equals or not scope or not services:
            raise ValueError("must be SCOPE=SERVICE+SERVICE,… or SCOPE=* for all services")
        if scope in grants:
            raise ValueError("names a scope twice; list its services with + between them")
        grants[scope] = granted_services(services.split("+"))
    return MappingProxyType(grants)
