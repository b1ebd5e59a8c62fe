"""Which keys may check a signature, and for how long."""

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
from gateway.auth.key_ring import KeyLimits, KeyRing
from tests.support.jwks_stub import Jwk, ec_jwk

EC_KEY: Final = ec.generate_private_key(ec.SECP256R1())
OTHER_EC_KEY: Final = ec.generate_private_key(ec.SECP256R1())
K256_KEY: Final = ec.generate_private_key(ec.SECP256K1())
RSA_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHORT_RSA_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=1024)
LIMITS: Final = KeyLimits(longest_age_s=3600, overlap_s=600)


def rsa_jwk(key: rsa.RSAPrivateKey, **changed: object) -> Jwk:
    public: Jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return public | {"kid": "r1"} | changed


def keys_of(
    *listed: object, algorithms: Sequence[str] = PUBLIC_KEY_ALGORITHMS
) -> dict[str, TokenKey]:
    return usable_keys(json.dumps({"keys": listed}).encode(), algorithms)


KEY_1: Final = keys_of(ec_jwk(EC_KEY, "k1"))
KEY_2: Final = keys_of(ec_jwk(OTHER_EC_KEY, "k2"))


def test_before_the_first_fetch_there_is_no_key() -> None:
    ring = KeyRing(LIMITS)
    assert not ring.is_usable(now_s=0)
    assert ring.find("k1", now_s=0) is None


def test_b79_an_unknown_key_id_is_only_a_miss() -> None:
    ring = KeyRing(LIMITS)
    ring.replace(KEY_1, now_s=0)
    for key_id in ("k2", "", "../../etc/passwd", "http://evil.tld/k1", "' OR 1=1 --", "k" * 4000):
        assert ring.find(key_id, now_s=1) is None
    assert ring.find("k1", now_s=1) is KEY_1["k1"]


def test_b89_a_withdrawn_key_serves_for_the_overlap_and_no_longer() -> None:
    ring = KeyRing(LIMITS)
    ring.replace(KEY_1, now_s=0)
    ring.replace(KEY_2, now_s=100)
    assert ring.find("k1", now_s=699) is KEY_1["k1"]
    assert ring.find("k1", now_s=700) is None
    assert ring.find("k2", now_s=700) is KEY_2["k2"]


def test_b89_further_fetches_do_not_lengthen_the_overlap() -> None:
    ring = KeyRing(LIMITS)
    ring.replace(KEY_1, now_s=0)
    for now_s in range(100, 700, 100):
        ring.replace(KEY_2, now_s=now_s)
    assert ring.find("k1", now_s=699) is KEY_1["k1"]
    assert ring.find("k1", now_s=700) is None


def test_a_key_that_comes_back_is_current_again() -> None:
    ring = KeyRing(LIMITS)
    ring.replace(KEY_1, now_s=0)
    ring.replace(KEY_2, now_s=100)
    ring.replace(KEY_1 | KEY_2, now_s=200)
    assert ring.find("k1", now_s=3000) is KEY_1["k1"]


def test_a_new_key_under_an_old_id_takes_its_place_at_once() -> None:
    ring = KeyRing(LIMITS)
    ring.replace(KEY_1, now_s=0)
    renewed = keys_of(ec_jwk(OTHER_EC_KEY, "k1"))
    ring.replace(renewed, now_s=100)
    assert ring.find("k1", now_s=101) is renewed["k1"]


def test_keys_that_were_not_fetched_for_too_long_are_refused() -> None:
    ring = KeyRing(LIMITS)
    ring.replace(KEY_1, now_s=0)
    assert ring.find("k1", now_s=3599) is KEY_1["k1"]
    assert ring.find("k1", now_s=3600) is None
    assert not ring.is_usable(now_s=3600)


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
