"""A token in the shape that each provider documents, and what is read in it by the preset."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from fanwire.auth.claims import ClaimRules, Claims, read_claims
from fanwire.auth.token_presets import PRESET_NAMES
from fanwire.errors import Unauthorized
from shared.settings.realtime import TokenSettings, load_settings
from tests.support.environment import refusal, set_environment

NOW_S: Final = 1_795_420_000
TIMES: Final = {"iat": NOW_S - 60, "exp": NOW_S + 240}
UUID: Final = "248289dc-1a2b-4c3d-8e9f-0123456789ab"


@dataclass(frozen=True)
class Provider:
    """A token of a provider, the deployment's settings, and what is read."""

    issuer: str
    audience: str
    payload: Mapping[str, Any]
    user: str
    org: str
    services: frozenset[str] = frozenset()
    settings: Mapping[str, str] = field(default_factory=dict)


PROVIDERS: Final[Mapping[str, Provider]] = {
    "auth0": Provider(
        "https://exampleco.us.auth0.com/",
        "https://realtime.example.com/",
        {
            "sub": "auth0|602c0dcab993d10073daf680",
            "aud": ["https://realtime.example.com/", "https://exampleco.us.auth0.com/userinfo"],
            "azp": "ENDmmAJsbwI1hOG1KPJddQ8LHjV6kLkV",
            "scope": "openid profile email",
            "org_id": "org_9ybsU1dN2dKfDkBi",
            "permissions": ["read:tasks", "read:reports"],
            "https://example.com/user": "602c0dcab993d10073daf680",
        },
        "602c0dcab993d10073daf680",
        "org_9ybsU1dN2dKfDkBi",
        frozenset({"tasks"}),
        {"USER_CLAIM": "https://example.com/user", "SCOPES": "read:tasks=tasks"},
    ),
    "okta": Provider(
        "https://example.okta.com/oauth2/default",
        "api://default",
        {
            "ver": 1,
            "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
            "sub": "demo@example.com",
            "aud": "api://default",
            "cid": "0oa1gfab9xYGXzGXc0g7",
            "uid": "00u1gfab9xYGXzGXc0g7",
            "scp": ["openid", "tasks.read"],
            "org": "acme",
        },
        "00u1gfab9xYGXzGXc0g7",
        "acme",
        frozenset({"tasks"}),
        {"SCOPES": "tasks.read=tasks"},
    ),
    "entra": Provider(
        f"https://login.microsoftonline.com/{UUID}/v2.0",
        "6e74172b-be56-4843-9ff4-e66a39bb12e3",
        {
            "aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3",
            "nbf": NOW_S - 60,
            "aio": "AXQAi/8IAAAA",
            "azp": "6e74172b-be56-4843-9ff4-e66a39bb12e3",
            "azpacr": "0",
            "name": "Abe Lincoln",
            "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474",
            "preferred_username": "abeli@example.com",
            "rh": "I",
            "roles": ["Tasks.Read"],
            "scp": "access_as_user",
            "sub": "-HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
            "tid": UUID,
            "uti": "fqiBqXLPj0eQa82S-IYFAA",
            "ver": "2.0",
        },
        "690222be-ff1a-4d56-abd1-7e4f7d38e474",
        UUID,
        frozenset({"tasks"}),
        {"SCOPES": "Tasks.Read=tasks"},
    ),
    "cognito": Provider(
        "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_example",
        "xxxxxxxxxxxxexample",
        {
            "sub": UUID,
            "cognito:groups": ["staff"],
            "client_id": "xxxxxxxxxxxxexample",
            "origin_jti": UUID,
            "event_id": UUID,
            "token_use": "access",
            "scope": "openid profile email",
            "auth_time": NOW_S - 60,
            "jti": UUID,
            "username": "demo",
            "custom:org": "acme",
        },
        UUID,
        "acme",
        frozenset({"tasks", "users"}),
        {"SCOPES": "staff=tasks+users"},
    ),
    "keycloak": Provider(
        "https://sso.example.com/realms/acme",
        "web",
        {
            "jti": "onrtac:36fa0f91-f94d-4a0c-afed-6b7d952e47da",
            "sub": UUID,
            "typ": "Bearer",
            "azp": "web",
            "sid": UUID,
            "acr": "1",
            "allowed-origins": ["https://app.example.com"],
            "realm_access": {"roles": ["offline_access", "default-roles-acme", "staff"]},
            "resource_access": {"account": {"roles": ["view-profile"]}},
            "scope": "openid email profile organization",
            "organization": ["acme"],
            "preferred_username": "demo",
        },
        UUID,
        "acme",
        frozenset({"tasks"}),
        {"SCOPES": "staff=tasks"},
    ),
    "firebase": Provider(
        "https://securetoken.google.com/example-project",
        "example-project",
        {
            "aud": "example-project",
            "auth_time": NOW_S - 60,
            "user_id": "AbCdEfGhIjKlMnOpQrStUvWxYz12",
            "sub": "AbCdEfGhIjKlMnOpQrStUvWxYz12",
            "email": "demo@example.com",
            "firebase": {
                "identities": {"email": ["demo@example.com"]},
                "sign_in_provider": "password",
                "tenant": "acme-x4k2p",
            },
            "services": ["tasks"],
        },
        "AbCdEfGhIjKlMnOpQrStUvWxYz12",
        "acme-x4k2p",
        frozenset({"tasks"}),
    ),
    "supabase": Provider(
        "https://abcdefghijklmnopqrst.supabase.co/auth/v1",
        "authenticated",
        {
            "aud": "authenticated",
            "sub": UUID,
            "email": "demo@example.com",
            "phone": "",
            "app_metadata": {
                "provider": "email",
                "providers": ["email"],
                "org_id": "acme",
                "services": ["tasks"],
            },
            "user_metadata": {"org_id": "other", "services": "*"},
            "role": "authenticated",
            "aal": "aal1",
            "amr": [{"method": "password", "timestamp": NOW_S - 60}],
            "session_id": UUID,
            "is_anonymous": False,
        },
        UUID,
        "acme",
        frozenset({"tasks"}),
    ),
    "clerk": Provider(
        "https://clerk.example.com",
        "https://app.example.com",
        {
            "azp": "https://app.example.com",
            "fva": [7, -1],
            "nbf": NOW_S - 70,
            "sid": "sess_2nBYIVTRgKcVkTwgPsNJ4xIrTLB",
            "sub": "user_2nBYIVTRgKcVkTwgPsNJ4xIrTLB",
            "sts": "active",
            "v": 2,
            "o": {"id": "org_2nBYIVTRgKcVkTwgPsNJ4xIrTLB", "slg": "acme", "rol": "admin"},
        },
        "user_2nBYIVTRgKcVkTwgPsNJ4xIrTLB",
        "org_2nBYIVTRgKcVkTwgPsNJ4xIrTLB",
        frozenset({"tasks"}),
        {"SCOPES": "admin=tasks"},
    ),
    "workos": Provider(
        "https://api.workos.com/",
        "realtime",
        {
            "aud": "realtime",
            "sub": "user_01HBEQKA6K4QJAS93VPE39W1JT",
            "sid": "session_01HQSXZGF8FHF7A9ZZFCW4387R",
            "org_id": "org_01HRDMC6CM357W30QMHMQ96Q0S",
            "role": "member",
            "permissions": ["tasks:read"],
        },
        "user_01HBEQKA6K4QJAS93VPE39W1JT",
        "org_01HRDMC6CM357W30QMHMQ96Q0S",
        frozenset({"tasks"}),
        {"SCOPES": "tasks:read=tasks"},
    ),
    "google": Provider(
        "https://accounts.google.com",
        "1234987819200.apps.googleusercontent.com",
        {
            "azp": "1234987819200.apps.googleusercontent.com",
            "aud": "1234987819200.apps.googleusercontent.com",
            "sub": "110169484474386276334",
            "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q",
            "hd": "example.com",
            "email": "demo@example.com",
            "email_verified": True,
        },
        "110169484474386276334",
        "example.com",
        frozenset({"tasks"}),
        {"DEFAULT_SERVICES": "tasks"},
    ),
}


def read(
    monkeypatch: pytest.MonkeyPatch, provider: Provider, payload: Mapping[str, Any], preset: str
) -> Claims:
    variables = {f"REALTIME_TOKEN_{name}": value for name, value in provider.settings.items()}
    set_environment(monkeypatch, **variables, REALTIME_TOKEN_PRESET=preset)
    rules = ClaimRules(
        provider.issuer, provider.audience, mapping=load_settings(TokenSettings).claim_mapping
    )
    payload = {"iss": provider.issuer, **TIMES, **payload}
    return read_claims(payload, rules, signed=b"signed", now_s=NOW_S)


def test_every_preset_has_a_token_here() -> None:
    assert set(PROVIDERS) == set(PRESET_NAMES)


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_token_of_the_provider_is_read_by_its_preset(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    provider = PROVIDERS[name]
    claims = read(monkeypatch, provider, provider.payload, name)
    assert (claims.sub, claims.org) == (provider.user, provider.org)
    assert claims.services == provider.services
    assert not claims.publish


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_token_for_another_application_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    provider = PROVIDERS[name]
    foreign = {
        key: "foreign" if key in ("aud", "azp", "client_id") else value
        for key, value in provider.payload.items()
    }
    with pytest.raises(Unauthorized) as refused:
        read(monkeypatch, provider, foreign, name)
    assert "does not name us" in refused.value.cause


@pytest.mark.parametrize("name", sorted(set(PROVIDERS) - {"okta"}))
def test_without_a_preset_the_token_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    provider = PROVIDERS[name]
    plain = Provider(provider.issuer, provider.audience, provider.payload, "", "")
    with pytest.raises(Unauthorized):
        read(monkeypatch, plain, provider.payload, "")


@pytest.mark.parametrize("name", PRESET_NAMES)
def test_a_preset_names_claims_and_grants_nothing(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    set_environment(monkeypatch, REALTIME_TOKEN_PRESET=name)
    mapping = load_settings(TokenSettings).claim_mapping
    assert mapping.scopes is None
    assert mapping.defaults.org is None
    assert mapping.defaults.services == mapping.defaults.properties == frozenset()


def test_what_is_set_wins_over_the_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(
        monkeypatch,
        REALTIME_TOKEN_PRESET="entra",
        REALTIME_TOKEN_ORG_CLAIM="extension_org",
        REALTIME_TOKEN_JTI_OPTIONAL="false",
        REALTIME_TOKEN_SCOPE_CLAIM="groups",
        REALTIME_TOKEN_SCOPES="a=tasks",
    )
    mapping = load_settings(TokenSettings).claim_mapping
    assert (mapping.user, mapping.org, mapping.token_id_is_optional) == (
        "oid",
        "extension_org",
        False,
    )
    assert mapping.scopes is not None
    assert mapping.scopes.claim == "groups"


def test_an_unknown_preset_ends_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_environment(monkeypatch, REALTIME_TOKEN_PRESET="Auth0")
    assert refusal(TokenSettings, capsys).startswith(
        "fanwire: REALTIME_TOKEN_PRESET must be 'auth0', 'okta', "
    )
