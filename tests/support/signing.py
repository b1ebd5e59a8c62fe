"""Tokens that no honest issuer would sign, for tests of the token check.

`fanwire.tokens` makes the good ones. Here header and payload are taken as they are, so that a
test can sign what is malformed, repeated or missing.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Final

from jwt.algorithms import HMACAlgorithm

NOW_S: Final = 1_795_420_000.0
SECRET: Final = b"a secret of thirty-two bytes, or so"
ISSUER: Final = "https://login.example.com/"
AUDIENCE: Final = "fanwire"

Json = Mapping[str, object] | bytes

GOOD_HEADER: Final[dict[str, object]] = {"alg": "HS256", "typ": "JWT"}
GOOD_CLAIMS: Final[dict[str, object]] = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "demo",
    "org": "acme",
    "iat": int(NOW_S) - 60,
    "exp": int(NOW_S) + 3600,
    "jti": "7f3a9c",
    "services": ["tasks", "users"],
    "properties": "*",
}


def signed(
    claims: Json = GOOD_CLAIMS, *, header: Json = GOOD_HEADER, secret: bytes = SECRET
) -> str:
    """Return `claims` under `header` with a good HS256 signature."""
    unsigned = f"{_segment(header)}.{_segment(claims)}"
    signature = HMACAlgorithm(HMACAlgorithm.SHA256).sign(unsigned.encode(), secret)
    return f"{unsigned}.{encoded(signature)}"


def with_claims(**changed: object) -> str:
    """Return a good token with some claims changed."""
    return signed(GOOD_CLAIMS | changed)


def without_claim(name: str) -> str:
    """Return a good token that lacks a claim."""
    return signed({key: value for key, value in GOOD_CLAIMS.items() if key != name})


def with_header(**changed: object) -> str:
    """Return a good token with some header fields changed."""
    return signed(header=GOOD_HEADER | changed)


def with_raw_claim(name: str, spelled: str) -> str:
    """Return a good token whose claim is spelled in JSON exactly so."""
    rest = json.dumps({key: value for key, value in GOOD_CLAIMS.items() if key != name})
    return signed(f'{rest[:-1]},"{name}":{spelled}}}'.encode())


def encoded(raw: bytes) -> str:
    """Return `raw` in base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _segment(value: Json) -> str:
    return encoded(value if isinstance(value, bytes) else json.dumps(value).encode())
