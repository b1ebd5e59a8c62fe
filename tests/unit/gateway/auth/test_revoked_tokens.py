"""Which tokens count as called back."""

import pytest

from fanwire.auth.claims import Claims
from fanwire.core.ids import Org, UserId
from gateway.auth.revoked_tokens import RevokedTokens

CLAIMS = Claims(
    org=Org("acme"),
    sub=UserId("demo"),
    services=None,
    properties=None,
    publish=False,
    exp_ms=2_000_000,
    iat_s=1000,
    jti="7f3a",
)


@pytest.mark.parametrize(
    ("members", "is_revoked"),
    [
        ([], False),
        (["7f3a"], True),
        (["7f3b"], False),
        (["demo@1000"], True),
        (["demo@999"], False),
        (["demo@1001", "demo@5"], True),
        (["demo@5", "demo@1001"], True),
        (["other@2000"], False),
        (["demo@", "@1000", "demo@x", "demo@-1", "demo@²", ""], False),
    ],
    ids="B84-{}".format,
)
def test_a_token_is_revoked_by_its_id_or_by_its_user_and_age(
    members: list[str], is_revoked: bool
) -> None:
    assert RevokedTokens(members).covers(CLAIMS) == is_revoked
