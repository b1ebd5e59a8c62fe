"""Which origins are let in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.origins import AllowedOrigins, canonical_origin, origin_problem

ALLOWED = AllowedOrigins(["https://app.example.com", "http://localhost:5173"])
FOREIGN = [
    "null",
    "https://app.example.com.evil.tld",
    "https://evil-app.example.com",
    "https://evil.tld/https://app.example.com",
    "https://app.example.com@evil.tld",
    "https://app.example.com:8443",
    "http://app.example.com",
    "wss://app.example.com",
    "https://app.example.com.",
    "https://example.com",
    "https://sub.app.example.com",
    "https://appxexample.com",
    "https://app.example.com/",
    "https://app.example.com\n",
    "http://localhost",
    "http://localhost:51730",
    "",
    "*",
]


@pytest.mark.parametrize("origin", ["https://app.example.com", "http://localhost:5173"])
def test_a_listed_page_may_connect_with_either_token(origin: str) -> None:
    assert ALLOWED.allows(origin, token_in_header=False)
    assert ALLOWED.allows(origin, token_in_header=True)


@pytest.mark.parametrize("origin", FOREIGN, ids="B17-{}".format)
@pytest.mark.parametrize("token_in_header", [True, False])
def test_any_other_page_may_not(origin: str, token_in_header: bool) -> None:
    assert not ALLOWED.allows(origin, token_in_header=token_in_header)


def test_b18_without_an_origin_the_token_must_come_by_header() -> None:
    assert ALLOWED.allows(None, token_in_header=True)
    assert not ALLOWED.allows(None, token_in_header=False)


def test_a_star_lets_every_page_in_except_null() -> None:
    everyone = AllowedOrigins(["*"])
    assert everyone.allows("https://anything.example", token_in_header=False)
    assert not everyone.allows("null", token_in_header=False)
    assert not everyone.allows(None, token_in_header=False)


def test_an_empty_list_lets_no_page_in() -> None:
    assert not AllowedOrigins([]).allows("https://app.example.com", token_in_header=True)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("HTTPS://App.Example.com", "https://app.example.com"),
        ("https://app.example.com:443/", "https://app.example.com"),
        ("http://app.example.com:80", "http://app.example.com"),
        ("http://app.example.com:443", "http://app.example.com:443"),
        (" http://[::1]:3000 ", "http://[::1]:3000"),
    ],
)
def test_the_list_may_be_written_as_people_write_it(written: str, meant: str) -> None:
    assert canonical_origin(written) == meant


@pytest.mark.parametrize(
    "entry",
    [
        "*.example.com",
        "https://*.example.com",
        "https://app.example.com/path",
        "https://user@app.example.com",
        "app.example.com",
        "null",
        "https://bücher.example",
        "https://app.example.com:0",
        "https://app\\.example\\.com",
        "",
    ],
)
def test_an_entry_that_is_no_origin_is_refused_at_start(entry: str) -> None:
    with pytest.raises(ValueError, match="must be http"):
        AllowedOrigins([entry])


@given(before=st.text(), after=st.text())
def test_nothing_added_to_a_listed_origin_is_let_in(before: str, after: str) -> None:
    origin = f"{before}https://app.example.com{after}"
    assert ALLOWED.allows(origin, token_in_header=True) == (before == after == "")


@pytest.mark.parametrize(
    "shell",
    [
        "capacitor://localhost",
        "ionic://localhost",
        "tauri://localhost",
        "app://bundle.id",
        "chrome-extension://gighmmpiobklfepjocnamgkkbiglidom",
        "moz-extension://0f9c3f2e-5b0c-4a2e-8d0e-0c1c6f1f9a77",
    ],
    ids="B145-{}".format,
)
def test_the_shell_of_an_app_is_listed_like_a_page(shell: str) -> None:
    assert origin_problem(shell, production=True) is None
    assert AllowedOrigins([shell]).allows(shell, token_in_header=False)
    assert not AllowedOrigins([shell]).allows(shell + "x", token_in_header=False)


@pytest.mark.parametrize(
    "entry", ["file://host", "data://x", "javascript://x", "ws://a.example", "capacitor://a/b", "x"]
)
def test_what_no_page_calls_itself_is_refused_with_a_remedy(entry: str) -> None:
    problem = origin_problem(entry, production=True)
    assert problem is not None
    assert repr(entry) in problem
    assert "scheme://host of an app's shell" in problem
