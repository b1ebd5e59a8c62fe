"""Which keys may check a signature, and for how long."""

import json
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from fanwire.auth.key_set import usable_keys
from fanwire.auth.token_key import TokenKey
from gateway.auth.key_ring import KeyLimits, KeyRing
from tests.support.jwks_stub import Jwk, ec_jwk

EC_KEY: Final = ec.generate_private_key(ec.SECP256R1())
OTHER_EC_KEY: Final = ec.generate_private_key(ec.SECP256R1())
LIMITS: Final = KeyLimits(longest_age_s=3600, overlap_s=600)


def usable(*listed: Jwk) -> dict[str, TokenKey]:
    return usable_keys(json.dumps({"keys": listed}).encode(), ["ES256"])


KEY_1: Final = usable(ec_jwk(EC_KEY, "k1"))
KEY_2: Final = usable(ec_jwk(OTHER_EC_KEY, "k2"))


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
    renewed = usable(ec_jwk(OTHER_EC_KEY, "k1"))
    ring.replace(renewed, now_s=100)
    assert ring.find("k1", now_s=101) is renewed["k1"]


def test_keys_that_were_not_fetched_for_too_long_are_refused() -> None:
    ring = KeyRing(LIMITS)
    ring.replace(KEY_1, now_s=0)
    assert ring.find("k1", now_s=3599) is KEY_1["k1"]
    assert ring.find("k1", now_s=3600) is None
    assert not ring.is_usable(now_s=3600)
