"""What `python -m demo` refuses before it does anything, and the tokens that it makes."""

import jwt
import pytest
import typer

from demo.__main__ import main
from demo.backend import USER, TokenMaker


def test_a_secret_that_could_be_of_production_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="begins with 'dev-'"):
        main(
            redis="redis://127.0.0.1",
            gateway="ws://127.0.0.1",
            secret="Zk3v9Qm1Xr7Tn5Wb2Yc8Hd4Jf6Lg0PsA",
            issuer="issuer",
            audience="audience",
        )


def test_its_tokens_open_the_org_and_publish_nothing() -> None:
    secret = "dev-secret-of-a-demo-which-is-long-enough"
    token = TokenMaker("acme", secret, "issuer", "audience").token(USER)
    claims = jwt.decode(token, secret, ["HS256"], audience="audience", issuer="issuer")
    assert (claims["org"], claims["sub"]) == ("acme", "demo")
    assert (claims["services"], claims["publish"]) == ("*", False)
