"""What the command line reads of the environment is what a gateway reads of it."""

from collections.abc import Mapping
from typing import Final

import pytest

from fanwire.auth.token_presets import PRESET_NAMES
from fanwire.auth.variables import rules_of
from gateway.build import claim_rules
from shared.settings.realtime import TokenSettings, load_settings
from tests.support.environment import VALID, set_environment

SCOPES: Final = {"SCOPES": "staff=tasks+users, admin=*"}
VARIABLES: Final[list[Mapping[str, str]]] = [
    {},
    {"USER_CLAIM": "uid", "ORG_CLAIM": "https://a.test/org", "PUBLISH_CLAIM": "may.publish"},
    {"SERVICES_CLAIM": "a.services", "PROPERTIES_CLAIM": "a.places", "CLIENT_CLAIM": "azp"},
    {"DEFAULT_ORG": "acme", "DEFAULT_SERVICES": "a, b", "DEFAULT_PROPERTIES": "*"},
    {"JTI_OPTIONAL": "Yes", "MAX_BYTES": "8192"},
    {"SCOPE_CLAIM": "scp", **SCOPES},
    *({"PRESET": name} for name in PRESET_NAMES),
    *({"PRESET": name, "ORG_CLAIM": "o", "SCOPE_CLAIM": "r", **SCOPES} for name in PRESET_NAMES),
    {"PRESET": "auth0", "JTI_OPTIONAL": "false"},
]


@pytest.mark.parametrize("variables", VARIABLES, ids=str)
@pytest.mark.parametrize(
    "others", [{}, {"REALTIME_JWT_LEEWAY_S": "0", "REALTIME_JWT_MAX_LIFETIME_S": "600"}], ids=str
)
def test_the_command_line_reads_the_rules_that_a_gateway_reads(
    monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], others: dict[str, str]
) -> None:
    named = {f"REALTIME_TOKEN_{name}": value for name, value in variables.items()} | others
    set_environment(monkeypatch, **named)
    rules = rules_of(
        VALID | named,
        issuer=VALID["REALTIME_JWT_ISSUER"],
        audience=VALID["REALTIME_JWT_AUDIENCE"],
    )
    assert rules == claim_rules(load_settings(TokenSettings))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REALTIME_JWT_LEEWAY_S", "soon"),
        ("REALTIME_TOKEN_DEFAULT_SERVICES", "a,*"),
        ("REALTIME_TOKEN_DEFAULT_PROPERTIES", "a,*"),
    ],
)
def test_a_variable_that_cannot_be_is_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be"):
        rules_of({name: value}, issuer="i", audience="a")
