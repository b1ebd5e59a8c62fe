"""Which claim holds what, as settings say it."""

from collections.abc import Mapping
from typing import Any

import pytest

from fanwire.auth.claim_mapping import ClaimDefaults, ClaimMapping, ScopeGrants
from shared.settings.realtime import TokenSettings, load_settings
from tests.support.environment import refusal, set_environment


def mapping_of(monkeypatch: pytest.MonkeyPatch, **variables: str) -> ClaimMapping:
    set_environment(
        monkeypatch, **{f"REALTIME_TOKEN_{name}": value for name, value in variables.items()}
    )
    return load_settings(TokenSettings).claim_mapping


def test_without_settings_the_names_are_ours_and_nothing_has_a_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert mapping_of(monkeypatch) == ClaimMapping()
    assert ClaimMapping() == ClaimMapping(
        "sub", "org", "services", "properties", "publish", None, False, None,
        ClaimDefaults(None, frozenset(), frozenset()),
    )  # fmt: skip


def test_every_part_of_a_mapping_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    mapping = mapping_of(
        monkeypatch,
        USER_CLAIM="uid",
        ORG_CLAIM="https://example.com/org",
        SERVICES_CLAIM="app.services",
        PROPERTIES_CLAIM="app.places",
        PUBLISH_CLAIM="app.publish",
        CLIENT_CLAIM="client_id",
        JTI_OPTIONAL="true",
        SCOPE_CLAIM="realm_access.roles",
        SCOPES="staff=tasks+users,admin=*",
        DEFAULT_ORG="acme",
        DEFAULT_SERVICES="news",
        DEFAULT_PROPERTIES="*",
    )
    services = {"staff": frozenset({"tasks", "users"}), "admin": None}
    assert mapping == ClaimMapping(
        user="uid",
        org="https://example.com/org",
        services="app.services",
        properties="app.places",
        publish="app.publish",
        client="client_id",
        token_id_is_optional=True,
        scopes=ScopeGrants("realm_access.roles", services),
        defaults=ClaimDefaults("acme", frozenset({"news"}), None),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({"ORG_CLAIM": "a b"}, "ORG_CLAIM must have no blanks and no control characters"),
        ({"USER_CLAIM": "x."}, "USER_CLAIM must not begin or end with a dot"),
        ({"SERVICES_CLAIM": "x" * 256}, "SERVICES_CLAIM must have at most 255 characters"),
        ({"CLIENT_CLAIM": "aud"}, "CLIENT_CLAIM must be 'azp' or 'client_id'"),
        ({"DEFAULT_ORG": "a}b"}, "DEFAULT_ORG has '}', allowed are A-Z a-z 0-9 . _ -: "),
        ({"DEFAULT_SERVICES": "a,*"}, "DEFAULT_SERVICES must be names of services, or * alone"),
        ({"DEFAULT_PROPERTIES": "a,*"}, "DEFAULT_PROPERTIES must be ids of properties, or *"),
        ({"SCOPES": "staff", "SCOPE_CLAIM": "scp"}, "SCOPES must be SCOPE=SERVICE+SERVICE"),
        ({"SCOPES": "a=b,a=c", "SCOPE_CLAIM": "scp"}, "SCOPES names a scope twice"),
        ({"SCOPES": "a=b"}, "SCOPES needs REALTIME_TOKEN_SCOPE_CLAIM: name the claim"),
        ({"SCOPE_CLAIM": "scp"}, "SCOPE_CLAIM needs REALTIME_TOKEN_SCOPES: say what each"),
        (
            {"SCOPES": "a=b", "SCOPE_CLAIM": "services"},
            "SCOPE_CLAIM must differ from REALTIME_TOKEN_SERVICES_CLAIM",
        ),
    ],
)
def test_a_mapping_that_cannot_be_ends_the_start_with_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: Mapping[str, Any],
    line: str,
) -> None:
    set_environment(
        monkeypatch, **{f"REALTIME_TOKEN_{name}": value for name, value in variables.items()}
    )
    assert refusal(TokenSettings, capsys).startswith(f"fanwire: REALTIME_TOKEN_{line}")
