"""Tokens whose claims have other names than ours, and what stays refused all the same."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import pytest

from fanwire.auth.claim_mapping import ClaimDefaults, ClaimMapping
from fanwire.auth.claims import ClaimRules, Claims
from fanwire.core.ids import Org
from fanwire.errors import Unauthorized
from gateway.auth.revoked_tokens import RevokedTokens
from gateway.auth.tokens import SharedSecret, TokenVerifier
from tests.support.signing import AUDIENCE, GOOD_CLAIMS, ISSUER, NOW_S, SECRET, signed

PLAIN: Final = {
    name: GOOD_CLAIMS[name] for name in ("iss", "aud", "sub", "org", "iat", "exp", "jti")
}


def verified(payload: Mapping[str, object] | str, **mapped: Any) -> Claims:
    rules = ClaimRules(ISSUER, AUDIENCE, mapping=ClaimMapping(**mapped))
    token = payload if isinstance(payload, str) else signed(dict(payload))
    return TokenVerifier(SharedSecret(SECRET), rules).verify(token, now_s=NOW_S)


def refused(payload: Mapping[str, object], **mapped: Any) -> str:
    with pytest.raises(Unauthorized) as caught:
        verified(payload, **mapped)
    assert str(caught.value) == "the token is not accepted"
    return caught.value.cause


def without(*names: str, **more: object) -> dict[str, object]:
    return {name: value for name, value in PLAIN.items() if name not in names} | more


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("org_id", {"org_id": "globex"}),
        ("app_metadata.org_id", {"app_metadata": {"org_id": "globex"}}),
        ("organization.0", {"organization": ["globex", "other"]}),
        ("https://example.com/org", {"https://example.com/org": "globex"}),
        ("custom:org", {"custom:org": "globex"}),
    ],
)
def test_the_org_is_read_from_the_claim_that_is_named(name: str, claims: dict[str, object]) -> None:
    # `org` stays in the token, and is not looked at.
    assert verified(PLAIN | claims, org=name).org == "globex"
    assert refused(PLAIN, org=name) == f"the claim {name} is missing"


def test_the_user_is_read_from_the_claim_that_is_named() -> None:
    assert verified(PLAIN | {"uid": "u-7"}, user="uid").sub == "u-7"
    assert refused(PLAIN, user="uid") == "the claim uid is missing"


def test_publish_is_read_from_the_claim_that_is_named() -> None:
    payload = PLAIN | {"may": {"publish": True}, "publish": False}
    assert verified(payload, publish="may.publish").publish
    assert refused(PLAIN | {"may": {"publish": "true"}}, publish="may.publish") == (
        "the claim may.publish is neither true nor false"
    )


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("auth0|123", "has '|', allowed are A-Z a-z 0-9 . _ -"),
        ("demo@example.com", "has '@', allowed are A-Z a-z 0-9 . _ -"),
        (None, "is null, not a text"),
        ("x" * 64, "has 64 characters, allowed are 1 to 63"),
    ],
)
def test_the_log_names_the_claim_and_the_fault_of_its_value(value: object, fault: str) -> None:
    assert refused(PLAIN | {"uid": value}, user="uid") == f"the claim uid {fault}"
    assert refused(PLAIN | {"tid": value}, org="tid") == f"the claim tid {fault}"


def test_a_fixed_org_stands_in_for_an_absent_claim_and_for_no_wrong_one() -> None:
    fixed = ClaimDefaults(org=Org("initech"))
    assert verified(without("org"), defaults=fixed).org == "initech"
    assert verified(PLAIN, defaults=fixed).org == "acme"
    assert refused(PLAIN | {"org": None}, defaults=fixed).startswith("the claim org is null")
    assert refused(PLAIN | {"org": "a}b"}, defaults=fixed).startswith("the claim org has '}'")


@pytest.mark.parametrize("name", ["azp", "client_id"])
def test_B73_a_client_stands_in_for_an_audience_that_is_not_sent(name: str) -> None:
    assert verified(without("aud", **{name: AUDIENCE}), client=name).org == "acme"
    assert refused(without("aud", **{name: AUDIENCE})) == "aud does not name us"
    for wrong in ("other", None, [AUDIENCE], ""):
        cause = refused(without("aud", **{name: wrong}), client=name)
        assert cause == f"{name} does not name us, and there is no aud"
    assert refused(without("aud"), client=name) == f"{name} does not name us, and there is no aud"


@pytest.mark.parametrize("audience", ["other", ["other"], [], None, ""])
def test_B73_an_audience_that_is_sent_must_name_us_whoever_the_client_is(audience: object) -> None:
    assert refused(PLAIN | {"aud": audience, "azp": AUDIENCE}, client="azp") == (
        "aud does not name us"
    )


def test_a_token_without_an_id_is_refused_unless_the_mapping_lets_it_be() -> None:
    assert refused(without("jti")) == "jti is missing or not a plain text without @"
    assert verified(without("jti"), token_id_is_optional=True).org == "acme"
    assert verified(PLAIN, token_id_is_optional=True).jti == PLAIN["jti"]


@pytest.mark.parametrize("wrong", [None, 7, "", "demo@1795420000"])
def test_an_id_that_is_sent_and_wrong_is_refused_all_the_same(wrong: object) -> None:
    assert refused(PLAIN | {"jti": wrong}, token_id_is_optional=True)


def test_one_token_without_an_id_can_be_revoked_by_its_hash() -> None:
    token, other = signed(without("jti")), signed(without("jti", nonce=1))
    digest = hashlib.sha256(token.rpartition(".")[0].encode()).hexdigest()
    revoked = RevokedTokens([digest])
    assert revoked.covers(verified(token, token_id_is_optional=True))
    assert not revoked.covers(verified(other, token_id_is_optional=True))


def test_a_mapping_is_about_names_and_checks_no_less() -> None:
    mapping: dict[str, Any] = {
        "user": "uid", "org": "tid", "client": "azp", "token_id_is_optional": True,
        "defaults": ClaimDefaults(Org("acme"), None, None),
    }  # fmt: skip
    payload = without("jti", uid="u", tid="globex")
    assert verified(payload, **mapping).org == "globex"
    for wrong in (
        {"iss": "https://evil.example.com/"},
        {"aud": "other"},
        {"exp": NOW_S - 60},
        {"iat": NOW_S + 60},
        {"nbf": NOW_S + 60},
        {"uid": "a:b"},
        {"services": "tasks"},
    ):
        assert refused(payload | wrong, **mapping)
