"""What a token grants, by a mapping."""

from typing import Final

import pytest

from fanwire.auth.claim_mapping import (
    ClaimDefaults,
    ClaimMapping,
    Granted,
    ScopeGrants,
    scope_services,
)
from fanwire.auth.grants import read_properties, read_services
from fanwire.errors import Unauthorized

SCOPES: Final = scope_services(["read:tasks=tasks", "staff=users+tasks", "admin=*"])
DEFAULTS: Final = ClaimDefaults(services=frozenset({"news"}), properties=frozenset({"p1"}))
BY_SCOPE: Final = ClaimMapping(scopes=ScopeGrants("scope", SCOPES), defaults=DEFAULTS)
BY_ROLE: Final = ClaimMapping(scopes=ScopeGrants("realm_access.roles", SCOPES), defaults=DEFAULTS)


@pytest.mark.parametrize(
    ("mapping", "payload", "granted"),
    [
        (ClaimMapping(), {}, {}),
        (ClaimMapping(), {"services": ["tasks"]}, {"tasks"}),
        (ClaimMapping(), {"services": "*"}, None),
        (ClaimMapping(), {"scope": "admin"}, {}),
        (ClaimMapping(defaults=DEFAULTS), {}, {"news"}),
        (ClaimMapping(defaults=DEFAULTS), {"services": []}, {}),
        (ClaimMapping(defaults=ClaimDefaults(services=None)), {}, None),
        (ClaimMapping(services="app.services"), {"app": {"services": ["tasks"]}}, {"tasks"}),
        (ClaimMapping(services="app.services"), {"services": ["tasks"]}, {}),
        (ClaimMapping(services="https://a.test/s"), {"https://a.test/s": "*"}, None),
        (BY_SCOPE, {"scope": "openid read:tasks"}, {"tasks"}),
        (BY_SCOPE, {"scope": "read:tasks staff"}, {"tasks", "users"}),
        (BY_SCOPE, {"scope": ["openid", "staff"]}, {"tasks", "users"}),
        (BY_SCOPE, {"scope": "openid admin"}, None),
        (BY_SCOPE, {"scope": "openid"}, {}),
        (BY_SCOPE, {"scope": ""}, {}),
        (BY_SCOPE, {}, {"news"}),
        (BY_SCOPE, {"services": ["bookings"]}, {"bookings"}),
        (BY_SCOPE, {"services": ["bookings"], "scope": "read:tasks"}, {"bookings", "tasks"}),
        (BY_SCOPE, {"services": "*", "scope": "read:tasks"}, None),
        (BY_ROLE, {"realm_access": {"roles": ["offline_access", "staff"]}}, {"tasks", "users"}),
    ],
)
def test_services_are_those_listed_and_those_that_scopes_open(
    mapping: ClaimMapping, payload: dict[str, object], granted: set[str] | None
) -> None:
    expected: Granted = None if granted is None else frozenset(granted)
    assert read_services(payload, mapping) == expected


@pytest.mark.parametrize(
    "payload",
    [
        {"scope": 7},
        {"scope": None},
        {"scope": ["staff", 7]},
        {"scope": {"staff": True}},
        {"services": "tasks"},
        {"services": None},
        {"services": ["*"]},
        {"services": ["a}b"], "scope": "admin"},
    ],
)
def test_a_claim_of_another_form_is_refused_and_has_no_default(payload: dict[str, object]) -> None:
    with pytest.raises(Unauthorized) as refused:
        read_services(payload, BY_SCOPE)
    assert next(iter(payload)) in refused.value.cause


@pytest.mark.parametrize(
    ("mapping", "payload", "granted"),
    [
        (ClaimMapping(), {}, frozenset()),
        (ClaimMapping(defaults=DEFAULTS), {}, frozenset({"p1"})),
        (ClaimMapping(defaults=DEFAULTS), {"properties": ["p2"]}, frozenset({"p2"})),
        (ClaimMapping(defaults=ClaimDefaults(properties=None)), {}, None),
        (ClaimMapping(properties="o.places.0"), {"o": {"places": ["*"]}}, None),
        (ClaimMapping(properties="o.places"), {"o": {"places": ["p1"]}}, frozenset({"p1"})),
    ],
)
def test_properties_are_those_listed_or_the_default(
    mapping: ClaimMapping, payload: dict[str, object], granted: Granted
) -> None:
    assert read_properties(payload, mapping) == granted
