"""Which keys of a JWKS are used."""

import json
from collections.abc import Sequence
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from fanwire.auth.key_set import usable_keys
from fanwire.auth.token_key import TokenKey
from fanwire.token_algorithms import PUBLIC_KEY_ALGORITHMS
from fanwire.wire.strict_json import NotStrictJson
from tests.support.jwks_stub import Jwk, ec_jwk

EC_KEY: Final = ec.generate_private_key(ec.SECP256R1())
K256_KEY: Final = ec.generate_private_key(ec.SECP256K1())
RSA_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHORT_RSA_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=1024)


def rsa_jwk(key: rsa.RSAPrivateKey, **changed: object) -> Jwk:
    public: Jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return public | {"kid": "r1"} | changed


def keys_of(
    *listed: object, algorithms: Sequence[str] = PUBLIC_KEY_ALGORITHMS
) -> dict[str, TokenKey]:
    return usable_keys(json.dumps({"keys": listed}).encode(), algorithms)


def test_a_key_checks_by_what_it_is_by_what_it_says_and_by_what_is_accepted() -> None:
    keys = keys_of(
        ec_jwk(EC_KEY, "e"),
        rsa_jwk(RSA_KEY, kid="r"),
        rsa_jwk(RSA_KEY, kid="p", alg="PS256"),
        rsa_jwk(RSA_KEY, kid="other", alg="RS384"),
        algorithms=["RS256", "RS512", "PS256", "ES256", "ES384"],
    )
    assert {key_id: key.algorithms for key_id, key in keys.items()} == {
        "e": {"ES256"},
        "r": {"RS256", "RS512", "PS256"},
        "p": {"PS256"},
    }


USELESS: Final[dict[str, object]] = {
    "shared secret": {"kty": "oct", "kid": "o", "k": "c2VjcmV0" * 8},
    "RSA key said to be HS256": rsa_jwk(RSA_KEY, alg="HS256"),
    "RSA key said to be none": rsa_jwk(RSA_KEY, alg="none"),
    "EC key said to be RS256": ec_jwk(EC_KEY, "x", alg="RS256"),
    "EC key said to be of another curve": ec_jwk(EC_KEY, "x", alg="ES384"),
    "alg is a list": rsa_jwk(RSA_KEY, alg=["RS256"]),
    "for encryption": rsa_jwk(RSA_KEY, use="enc"),
    "no id": {k: v for k, v in rsa_jwk(RSA_KEY).items() if k != "kid"},
    "id is a number": rsa_jwk(RSA_KEY, kid=7),
    "RSA of 1024 bits": rsa_jwk(SHORT_RSA_KEY),
    "RSA without modulus": {"kty": "RSA", "kid": "r", "e": "AQAB"},
    "RSA modulus is a number": rsa_jwk(RSA_KEY, n=5),
    "curve of another world": ec_jwk(K256_KEY, "k"),
    "point off the curve": ec_jwk(EC_KEY, "k", x="AAAA"),
    "private key": ECAlgorithm.to_jwk(EC_KEY, as_dict=True) | {"kid": "k"},
    "kty is a list": {"kty": ["RSA"], "kid": "k"},
    "not an object": "RSA",
    "null": None,
}


@pytest.mark.parametrize("useless", USELESS.values(), ids=USELESS.keys())
def test_a_key_that_we_cannot_use_costs_us_no_other(useless: object) -> None:
    assert keys_of(useless, ec_jwk(EC_KEY, "good")).keys() == {"good"}


@pytest.mark.parametrize("document", [b"{}", b'{"keys":null}', b'{"keys":{}}', b'{"keys":[]}'])
def test_a_document_without_keys_yields_none(document: bytes) -> None:
    assert usable_keys(document, PUBLIC_KEY_ALGORITHMS) == {}


@pytest.mark.parametrize("document", [b"", b"<html>", b"[]", b'{"keys":[],"keys":[]}'])
def test_what_is_no_object_is_no_jwks(document: bytes) -> None:
    with pytest.raises(NotStrictJson):
        usable_keys(document, PUBLIC_KEY_ALGORITHMS)


json_values = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())
names = st.sampled_from(["kty", "kid", "alg", "use", "n", "e", "crv", "x", "y"])


@given(
    changed=st.dictionaries(names, json_values, max_size=3), start=st.sampled_from(["RSA", "EC"])
)
def test_no_member_of_a_jwks_raises(changed: dict[str, object], start: str) -> None:
    good = rsa_jwk(RSA_KEY) if start == "RSA" else ec_jwk(EC_KEY, "e")
    keys_of(good | changed)
