"""What the demo's server refuses before it does anything."""

import jwt
import pytest
import typer

from demo.server import DemoCluster, serve
from fanwire.cli.dev.plan import AUDIENCE, ISSUER


def test_a_secret_that_could_be_of_production_is_refused() -> None:
    with pytest.raises(typer.BadParameter, match="begins with 'dev-'"):
        serve(
            redis="redis://127.0.0.1",
            gateway="ws://127.0.0.1",
            public="ws://127.0.0.1",
            secret="Zk3v9Qm1Xr7Tn5Wb2Yc8Hd4Jf6Lg0PsA",
        )


def test_its_tokens_are_those_of_the_demo() -> None:
    secret = "dev-secret-of-a-demo-which-is-long-enough"
    cluster = DemoCluster("", "", "", secret, ISSUER, AUDIENCE)
    claims = jwt.decode(cluster.mint(), secret, ["HS256"], audience=AUDIENCE, issuer=ISSUER)
    assert (claims["sub"], claims["services"], claims["publish"]) == ("demo", "*", False)
