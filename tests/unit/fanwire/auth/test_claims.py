"""The limits under which claims are read."""

import pytest

from fanwire.auth.claims import ClaimRules


def test_leeway_and_life_have_an_upper_bound() -> None:
    with pytest.raises(ValueError, match="leeway of 11 s"):
        ClaimRules(issuer="i", audience="a", leeway_s=11)
    with pytest.raises(ValueError, match="life of 86401 s"):
        ClaimRules(issuer="i", audience="a", longest_life_s=86_401)


@pytest.mark.parametrize(("issuer", "audience"), [("", "a"), ("i", "")])
def test_issuer_and_audience_must_be_named(issuer: str, audience: str) -> None:
    with pytest.raises(ValueError, match="must both be named"):
        ClaimRules(issuer=issuer, audience=audience)
