"""All that is wrong with a token at once."""

from typing import Final

import pytest

from fanwire.auth.claims import ClaimRules
from fanwire.auth.token_faults import TokenFindings, find_faults
from fanwire.auth.token_key import secret_key
from tests.support.signing import (
    AUDIENCE,
    GOOD_CLAIMS,
    ISSUER,
    NOW_S,
    SECRET,
    signed,
    with_claims,
    with_header,
)

KEY: Final = secret_key(SECRET, ["HS256"])
RULES: Final = ClaimRules(ISSUER, AUDIENCE)


def found(token: str) -> TokenFindings:
    return find_faults(token, lambda _: KEY, RULES, now_s=NOW_S)


def test_a_good_token_has_none_and_shows_what_it_says() -> None:
    findings = found(signed())
    assert findings.faults == ()
    assert findings.payload == GOOD_CLAIMS


def test_a_token_of_a_provider_shows_all_that_is_wrong_at_once() -> None:
    payload = {
        "iss": "https://tenant.auth0.com/",
        "sub": "auth0|123",
        "azp": AUDIENCE,
        "iat": "now",
        "services": "tasks",
    }
    assert found(signed(payload, secret=b"another secret of thirty-two bytes")).faults == (
        "the signature is wrong",
        "iss is not our issuer",
        "aud does not name us",
        "exp is missing or no number of seconds",
        "iat is missing or no number of seconds",
        "the claim org is missing",
        "the claim sub has '|', allowed are A-Z a-z 0-9 . _ -",
        'the claim services is neither "*" nor a list of names',
        "jti is missing or not a plain text without @",
    )


def test_a_token_that_is_too_long_is_looked_into_all_the_same() -> None:
    token = with_claims(groups=["g" * 36] * 100, org="a}b")
    assert found(token).faults == (
        f"the token has {len(token)} bytes, at most 4096",
        "the claim org has '}', allowed are A-Z a-z 0-9 . _ -",
    )


@pytest.mark.parametrize(
    ("token", "fault"),
    [
        ("", "the token is not three base64url segments"),
        ("no-token", "the token is not three base64url segments"),
        (with_header(typ="refresh+jwt"), "the token is of another typ than JWT or at+jwt"),
        (signed(b"[]"), "the token's payload: a JSON list where an object is needed"),
    ],
)
def test_what_cannot_be_read_says_why(token: str, fault: str) -> None:
    assert found(token) == TokenFindings({}, (fault,))
