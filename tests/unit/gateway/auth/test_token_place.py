"""Where in a request a token may stand."""

import pytest

from fanwire.errors import BadMessage, RealtimeError, TokenInUrl, Unauthorized
from gateway.auth.tokens import (
    bearer_token,
    echoed_subprotocol,
    extract_token,
    has_token_parameter,
    only_authorization,
)


def found(*subprotocols: str, authorization: str | None = None) -> str:
    return extract_token(subprotocols, authorization, query_has_token=False)


def test_a_browser_sends_it_as_a_subprotocol() -> None:
    assert found("rt.v1", "rt.token.a.b.c") == "a.b.c"


def test_the_order_of_subprotocols_does_not_matter() -> None:
    assert found("rt.token.a.b.c", "rt.v1") == "a.b.c"


@pytest.mark.parametrize("header", ["Bearer a.b.c", "bearer a.b.c", " BEARER   a.b.c "])
def test_a_program_sends_it_as_a_header(header: str) -> None:
    assert found(authorization=header) == "a.b.c"
    assert found("rt.v1", authorization=header) == "a.b.c"


def test_the_same_token_in_both_places_is_one_token() -> None:
    assert found("rt.v1", "rt.token.a.b.c", authorization="Bearer a.b.c") == "a.b.c"


def test_a_password_for_a_proxy_in_front_is_no_token() -> None:
    assert found("rt.v1", "rt.token.a.b.c", authorization="Basic dXNlcjpwdw==") == "a.b.c"
    assert bearer_token("Basic dXNlcjpwdw==") is None


@pytest.mark.parametrize("authorization", [None, "", "Basic dXNlcjpwdw=="])
def test_no_token_is_unauthorized(authorization: str | None) -> None:
    with pytest.raises(Unauthorized):
        found("rt.v1", authorization=authorization)


@pytest.mark.parametrize(
    "offered",
    [("graphql-ws",), ("rt.v2", "rt.token.a.b.c"), ("rt.token.a.b.c",), ("RT.V1",)],
    ids="B19-{}".format,
)
def test_without_our_subprotocol_there_is_no_silent_fallback(offered: tuple[str, ...]) -> None:
    with pytest.raises(BadMessage) as caught:
        found(*offered, authorization="Bearer a.b.c")
    assert caught.value.http_status == 400


@pytest.mark.parametrize(
    ("offered", "echoed"),
    [
        (("rt.v1", "rt.token.a.b.c"), "rt.v1"),
        (("rt.token.a.b.c", "rt.v1"), "rt.v1"),
        ((), None),
    ],
    ids=["B20", "B20-token-first", "B20-none-offered"],
)
def test_the_token_is_never_echoed(offered: tuple[str, ...], echoed: str | None) -> None:
    assert echoed_subprotocol(offered) == echoed


def test_b85_a_token_in_the_query_is_refused_and_not_repeated() -> None:
    with pytest.raises(TokenInUrl) as caught:
        extract_token(("rt.v1", "rt.token.a.b.c"), "Bearer a.b.c", query_has_token=True)
    assert caught.value.http_status == 400
    assert caught.value.name == "token_in_url"
    assert "a.b.c" not in str(caught.value.as_dict())


@pytest.mark.parametrize(
    "name", ["token", "access_token", "Authorization", "jwt"], ids="B85-{}".format
)
def test_the_usual_names_for_a_token_in_a_query_are_known(name: str) -> None:
    assert has_token_parameter(["services", name])
    assert not has_token_parameter(["services", "propertyId", "resume"])


@pytest.mark.parametrize(
    ("offered", "authorization"),
    [
        (("rt.v1", "rt.token.a.b.c"), "Bearer a.b.d"),
        (("rt.v1", "rt.token.a.b.c", "rt.token.a.b.d"), None),
        (("rt.v1", "rt.token."), "Bearer a.b.c"),
    ],
    ids=["B86-header-differs", "B86-two-subprotocols", "B86-empty-beside-header"],
)
def test_two_tokens_that_differ_are_refused(
    offered: tuple[str, ...], authorization: str | None
) -> None:
    with pytest.raises(RealtimeError) as caught:
        found(*offered, authorization=authorization)
    assert caught.value.http_status == 400
    assert "a.b.c" not in str(caught.value)


@pytest.mark.parametrize("second", ["Bearer a.b.c", "Bearer d.e.f", "Basic dXNlcjpwdw=="])
def test_B86_a_second_authorization_header_is_refused_whatever_it_says(second: str) -> None:
    with pytest.raises(BadMessage) as caught:
        only_authorization(["Bearer a.b.c", second])
    assert caught.value.http_status == 400


def test_one_authorization_header_or_none_is_taken_as_it_is() -> None:
    assert only_authorization(["Bearer a.b.c"]) == "Bearer a.b.c"
    assert only_authorization([]) is None
