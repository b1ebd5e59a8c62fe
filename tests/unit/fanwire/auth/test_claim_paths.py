"""Where in a token a claim is found."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.auth.claim_paths import ABSENT, claim_at, claim_name_problem

CLAIMS: Final[dict[str, object]] = {
    "sub": "u1",
    "app_metadata": {"org_id": "acme", "teams": [{"name": "red"}, {"name": "blue"}]},
    "app_metadata.plan": "free",
    "organization": ["first", "second"],
    "https://example.com/org": "of-url",
    "https://example.com/app": {"org.id": "dotted", "roles": ["staff"]},
    "custom:org": "cognito",
    "a": {"b": {"c": "by parts"}, "b.c": "by the longer key"},
    "null": None,
    "": "empty",
}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("sub", "u1"),
        ("app_metadata.org_id", "acme"),
        ("app_metadata.teams.1.name", "blue"),
        ("app_metadata.plan", "free"),
        ("organization.0", "first"),
        ("organization.1", "second"),
        ("https://example.com/org", "of-url"),
        ("https://example.com/app.org.id", "dotted"),
        ("https://example.com/app.roles.0", "staff"),
        ("custom:org", "cognito"),
        ("a.b.c", "by the longer key"),
        ("null", None),
    ],
)
def test_a_claim_is_found_whole_or_by_its_parts(name: str, found: object) -> None:
    assert claim_at(CLAIMS, name) == found


@pytest.mark.parametrize(
    "name",
    [
        "org",
        "app_metadata.org",
        "app_metadata.org_id.more",
        "organization.2",
        "organization.-1",
        "organization.first",
        "organization.٠",
        "organization.²",
        "organization.",
        "https://example.com/other",
        "null.more",
        ".sub",
    ],
)
def test_what_a_token_does_not_have_is_absent(name: str) -> None:
    assert claim_at(CLAIMS, name) is ABSENT


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("ab.0"), inner),
    max_leaves=12,
)


@given(claims=st.dictionaries(st.text("ab.0"), json_values), name=st.text("ab.0"))
def test_a_key_of_the_whole_name_always_wins(claims: dict[str, object], name: str) -> None:
    found = claim_at(claims, name)
    if name in claims:
        assert found is claims[name]


@pytest.mark.parametrize("name", ["sub", "a.b.0", "https://example.com/org", "custom:org", "org/é"])
def test_a_name_as_providers_have_it_has_no_problem(name: str) -> None:
    assert claim_name_problem(name) is None


@pytest.mark.parametrize("name", ["a b", "a\n", ".a", "a.", "a\u202e", "x" * 256])
def test_a_name_that_is_a_mistake_is_told(name: str) -> None:
    assert claim_name_problem(name)
