"""What settings say of claims, as values."""

import pytest

from fanwire.auth.claim_mapping import (
    Granted,
    granted_properties,
    granted_services,
    scope_services,
)


@pytest.mark.parametrize(
    ("names", "granted"),
    [([], frozenset()), (["tasks", "users"], frozenset({"tasks", "users"})), (["*"], None)],
)
def test_a_list_grants_its_names_and_an_asterisk_all(names: list[str], granted: Granted) -> None:
    assert granted_services(names) == granted
    assert granted_properties(names) == granted


@pytest.mark.parametrize("names", [["tasks", "*"], ["a}b"], ["a b"], [""]])
def test_a_service_that_cannot_be_is_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match="names of services"):
        granted_services(names)


def test_an_asterisk_among_properties_is_refused() -> None:
    with pytest.raises(ValueError, match="ids of properties"):
        granted_properties(["p9", "*"])


def test_scopes_grant_services() -> None:
    entries = ["tasks.read=tasks", "staff=users+tasks", "admin=*", "https://api.test/r?a=b=tasks"]
    assert scope_services(entries) == {
        "tasks.read": frozenset({"tasks"}),
        "staff": frozenset({"users", "tasks"}),
        "admin": None,
        "https://api.test/r?a=b": frozenset({"tasks"}),
    }


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        (["tasks"], "must be SCOPE=SERVICE"),
        (["=tasks"], "must be SCOPE=SERVICE"),
        (["staff="], "must be SCOPE=SERVICE"),
        (["staff=a b"], "names of services"),
        (["staff=tasks+*"], "names of services"),
        (["staff=tasks", "staff=users"], "twice"),
    ],
)
def test_a_wrong_entry_of_scopes_is_refused(entries: list[str], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        scope_services(entries)
