"""Tokens that are minted here are accepted there."""

from typing import Any

import jwt
import pytest

from fanwire.auth.claims import ClaimRules, Claims
from fanwire.errors import InvalidId
from fanwire.tokens import mint_token
from gateway.auth.tokens import SharedSecret, TokenVerifier

SECRET = b"a secret of thirty-two bytes, or so"
NOW_S = 1_795_420_000.5


def minted(**changed: Any) -> str:
    arguments: dict[str, Any] = {
        "org": "acme",
        "sub": "demo",
        "services": ["users", "tasks", "tasks"],
        "properties": ["p9"],
        "publish": True,
        "ttl_s": 3600,
        "issuer": "fanwire-dev",
        "audience": "fanwire",
        "now": NOW_S,
    }
    return mint_token(SECRET, **arguments | changed)


def claims_of(token: str) -> Claims:
    rules = ClaimRules(issuer="fanwire-dev", audience="fanwire")
    return TokenVerifier(SharedSecret(SECRET), rules).verify(token, now_s=NOW_S)


def test_the_gateway_reads_what_was_minted() -> None:
    claims = claims_of(minted())
    assert (claims.org, claims.sub, claims.publish) == ("acme", "demo", True)
    assert claims.services == frozenset({"users", "tasks"})
    assert claims.properties == frozenset({"p9"})
    assert claims.exp_ms == (int(NOW_S) + 3600) * 1000


def test_a_star_means_all() -> None:
    claims = claims_of(minted(services="*", properties="*"))
    assert claims.services is None
    assert claims.properties is None


def test_the_longest_life_is_one_that_the_gateway_accepts() -> None:
    assert claims_of(minted(ttl_s=86_400)).sub == "demo"


def test_each_token_has_its_own_id() -> None:
    ids = {jwt.decode(minted(), options={"verify_signature": False})["jti"] for _ in range(20)}
    assert len(ids) == 20


@pytest.mark.parametrize(
    "changed", [{"org": "a}b"}, {"org": "_canary"}, {"sub": "a:b"}, {"services": ["*"]}]
)
def test_an_id_that_no_gateway_accepts_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(InvalidId):
        minted(**changed)


@pytest.mark.parametrize(
    "changed",
    [{"services": "tasks"}, {"properties": "p9"}, {"ttl_s": 0}, {"ttl_s": 86_401}],
)
def test_a_mistake_in_a_call_shows_in_the_call(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be a list|allowed are"):
        minted(**changed)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="5 bytes"):
        mint_token(
            "short",
            org="acme",
            sub="demo",
            services="*",
            properties="*",
            publish=False,
            ttl_s=60,
            issuer="i",
            audience="a",
            now=NOW_S,
        )
