"""Which org, service and user ids are allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanwire.core.ids import (
    MAX_ID_LENGTH,
    checked_org,
    checked_service,
    checked_user,
    id_fault,
    is_valid_id,
)
from fanwire.errors import InvalidId

FIRST = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", fullmatch=True)


@given(IDS)
def test_the_alphabet_is_allowed_and_kept_as_it_is(text: str) -> None:
    assert is_valid_id(text)
    assert [str(check(text)) for check in (checked_org, checked_service, checked_user)] == [
        text
    ] * 3


@pytest.mark.parametrize("text", ["tasks", "guest-checkin", "a.b_c-9", "0", "x" * MAX_ID_LENGTH])
def test_names_of_every_day_are_allowed(text: str) -> None:
    assert is_valid_id(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="B55-empty"),
        pytest.param("a{b", id="B55-open-brace"),
        pytest.param("a}b", id="B55-close-brace"),
        pytest.param("*", id="B55-star"),
        pytest.param("a:b", id="B55-colon"),
        pytest.param("..", id="B55-dots"),
        pytest.param("../x", id="B55-path"),
        pytest.param("a b", id="B55-space"),
        pytest.param("tasks\n", id="B55-trailing-newline"),
        pytest.param("a\0b", id="B55-nul"),
        pytest.param("tâsks", id="B55-unicode"),
        pytest.param("٣", id="B55-unicode-digit"),
        pytest.param("x" * (MAX_ID_LENGTH + 1), id="B55-one-too-long"),
        pytest.param("x" * 2**20, id="B55-a-megabyte"),
    ],
)
def test_anything_else_is_refused_with_a_bounded_message(text: str) -> None:
    assert not is_valid_id(text)
    for check, what in ((checked_org, "org"), (checked_service, "service"), (checked_user, "user")):
        with pytest.raises(InvalidId, match=f"^{what} id ") as caught:
            check(text)
        assert len(str(caught.value)) < 120


@given(st.text(max_size=70))
def test_only_texts_of_the_alphabet_are_allowed(text: str) -> None:
    legal = 0 < len(text) <= MAX_ID_LENGTH and text[0] in FIRST and set(text) <= set(FIRST + "._-")
    assert is_valid_id(text) == legal


@pytest.mark.parametrize("value", [None, 7, b"tasks", ["tasks"], {}])
def test_what_is_no_text_is_no_id(value: object) -> None:
    assert not is_valid_id(value)


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (7, "is a number, not a text"),
        (None, "is null, not a text"),
        ({"id": "acme"}, "is an object, not a text"),
        (b"acme", "is something else, not a text"),
        (["acme"], "is a list, not a text"),
        ("", "has 0 characters, allowed are 1 to 63"),
        ("a" * 64, "has 64 characters, allowed are 1 to 63"),
        ("auth0|123", "has '|', allowed are A-Z a-z 0-9 . _ -"),
        ("demo@example.com", "has '@', allowed are A-Z a-z 0-9 . _ -"),
        ("de\u202emo", "has '\\u202e', allowed are A-Z a-z 0-9 . _ -"),
        ("demo\n", "has '\\n', allowed are A-Z a-z 0-9 . _ -"),
        ("_canary", "begins with '_', not with a letter or a digit"),
    ],
)
def test_the_fault_of_a_value_is_told_in_words(value: object, fault: str) -> None:
    assert not is_valid_id(value)
    assert id_fault(value) == fault
