"""The rules of a gateway, from the variables that configure one.

For the command line: its wheel has none of the servers' settings classes, and it must say what the
servers would say. A test holds the two to each other.

Rejected: asking a gateway's module by a process, as `fanwire config` does. Without a checkout there
is none, and a token is checked where it is issued.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from fanwire.auth.claim_mapping import (
    ClaimDefaults,
    ClaimMapping,
    ScopeGrants,
    granted_properties,
    granted_services,
    scope_services,
)
from fanwire.auth.claims import DEFAULT_LEEWAY_S, MAX_LIFE_S, ClaimRules
from fanwire.auth.token_presets import with_preset
from fanwire.auth.token_size import DEFAULT_TOKEN_BYTES
from fanwire.core.ids import Org

_PREFIX: Final = "REALTIME_"
_NAMES: Final = {
    "token_user_claim": "user",
    "token_org_claim": "org",
    "token_services_claim": "services",
    "token_properties_claim": "properties",
    "token_publish_claim": "publish",
    "token_client_claim": "client",
}
_TRUE: Final = frozenset({"true", "1", "yes", "on", "t", "y"})
"""As pydantic reads them."""

T = TypeVar("T")


def rules_of(variables: Mapping[str, str], *, issuer: str, audience: str) -> ClaimRules:
    """Return the rules of a gateway that has these variables.

    Raises:
        ValueError: If one of them cannot be; the text names it.
    """
    given = {
        name.removeprefix(_PREFIX).lower(): value
        for name, value in variables.items()
        if name.startswith(_PREFIX) and value
    }
    return ClaimRules(
        issuer,
        audience,
        leeway_s=_number(given, "jwt_leeway_s", DEFAULT_LEEWAY_S),
        longest_life_s=_number(given, "jwt_max_lifetime_s", MAX_LIFE_S),
        mapping=_mapping({name: str(value) for name, value in with_preset(given).items()}),
        max_bytes=_number(given, "token_max_bytes", DEFAULT_TOKEN_BYTES),
    )


def _mapping(given: Mapping[str, str]) -> ClaimMapping:
    names = {part: given[field] for field, part in _NAMES.items() if field in given}
    return ClaimMapping(
        **names,
        token_id_is_optional=given.get("token_jti_optional", "").lower() in _TRUE,
        scopes=_scopes(given),
        defaults=ClaimDefaults(
            Org(given["token_default_org"]) if "token_default_org" in given else None,
            _listed(given, "token_default_services", granted_services),
            _listed(given, "token_default_properties", granted_properties),
        ),
    )


def _scopes(given: Mapping[str, str]) -> ScopeGrants | None:
    claim = given.get("token_scope_claim")
    if claim is None:
        return None
    return ScopeGrants(claim, _listed(given, "token_scopes", scope_services))


def _listed(given: Mapping[str, str], field: str, parse: Callable[[list[str]], T]) -> T:
    named = [part.strip() for part in given.get(field, "").split(",") if part.strip()]
    try:
        return parse(named)
    except ValueError as problem:
        raise ValueError(f"{_PREFIX}{field.upper()} {problem}") from None


def _number(given: Mapping[str, str], field: str, default: int) -> int:
    try:
        return int(given.get(field, default))
    except ValueError:
        raise ValueError(f"{_PREFIX}{field.upper()} must be a whole number") from None
