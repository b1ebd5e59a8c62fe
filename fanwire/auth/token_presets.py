"""REALTIME_TOKEN_PRESET: where identity providers put what a gateway looks for.

A preset fills in settings that are not set, and no more: it names claims, and grants nothing.
docs/identity_providers.md says what each provider must be told to put into a token.

Rejected: guessing the provider from `iss`. An issuer behind a domain of its own looks like no
provider, and a token must not choose how it is read.
"""

from collections.abc import Mapping
from typing import Final, Literal, cast, get_args

TokenPreset = Literal[
    "auth0", "okta", "entra", "cognito", "keycloak", "firebase", "supabase", "clerk", "workos",
    "google",
]  # fmt: skip

_PRESETS: Final[Mapping[TokenPreset, Mapping[str, object]]] = {
    "auth0": {
        "token_org_claim": "org_id",
        "token_scope_claim": "permissions",
        "token_jti_optional": True,
    },
    # `sub` is the login there, mostly an e-mail, which a user may change.
    "okta": {"token_user_claim": "uid", "token_scope_claim": "scp"},
    # `sub` is another one in each application; `oid` is the user in all of a tenant.
    "entra": {
        "token_user_claim": "oid",
        "token_org_claim": "tid",
        "token_scope_claim": "roles",
        "token_jti_optional": True,
    },
    # Access tokens name the application in `client_id` and have no `aud`; id tokens have one.
    "cognito": {
        "token_org_claim": "custom:org",
        "token_scope_claim": "cognito:groups",
        "token_client_claim": "client_id",
        "token_jti_optional": True,
    },
    "keycloak": {
        "token_org_claim": "organization.0",
        "token_scope_claim": "realm_access.roles",
        "token_client_claim": "azp",
    },
    "firebase": {"token_org_claim": "firebase.tenant", "token_jti_optional": True},
    # `app_metadata` and not `user_metadata`, which users may write themselves.
    "supabase": {
        "token_org_claim": "app_metadata.org_id",
        "token_services_claim": "app_metadata.services",
        "token_properties_claim": "app_metadata.properties",
        "token_publish_claim": "app_metadata.publish",
        "token_jti_optional": True,
    },
    "clerk": {
        "token_org_claim": "o.id",
        "token_scope_claim": "o.rol",
        "token_client_claim": "azp",
        "token_jti_optional": True,
    },
    "workos": {
        "token_org_claim": "org_id",
        "token_scope_claim": "permissions",
        "token_jti_optional": True,
    },
    "google": {"token_org_claim": "hd", "token_jti_optional": True},
}

PRESET_NAMES: Final[tuple[str, ...]] = get_args(TokenPreset)


def with_preset(values: Mapping[str, object]) -> dict[str, object]:
    """Return settings, by field, with those of their preset where they say nothing themselves."""
    preset = _PRESETS.get(cast(TokenPreset, values.get("token_preset")), {})
    # Without scopes that open something, a claim of scopes would only hide the default.
    unused = set() if values.get("token_scopes") else {"token_scope_claim"}
    return {name: value for name, value in preset.items() if name not in unused} | dict(values)
