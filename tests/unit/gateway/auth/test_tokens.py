"""The token check against every bad token of the contract, by its number there."""

import json
from collections.abc import Mapping
from typing import Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from fanwire.auth.claims import ClaimRules
from fanwire.auth.token_faults import find_faults
from fanwire.auth.token_key import TokenKey, public_key, secret_key
from fanwire.auth.token_size import LARGEST_TOKEN_BYTES
from fanwire.core.keys import CANARY
from fanwire.errors import Unauthorized
from gateway.auth.tokens import SharedSecret, TokenVerifier
from gateway.edge.request_head import MAX_HEAD_BYTES
from tests.support.signing import (
    AUDIENCE,
    GOOD_CLAIMS,
    GOOD_HEADER,
    ISSUER,
    NOW_S,
    SECRET,
    encoded,
    signed,
    with_claims,
    with_header,
    with_raw_claim,
    without_claim,
)

RULES: Final = ClaimRules(issuer=ISSUER, audience=AUDIENCE)
VERIFIER: Final = TokenVerifier(SharedSecret(SECRET), RULES)
RSA_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY: Final = ec.generate_private_key(ec.SECP256R1())
RSA_PUBLIC_PEM: Final = RSA_KEY.public_key().public_bytes(
    Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
)
KEY: Final = secret_key(SECRET, ["HS256"])
GOOD: Final = signed()
HEAD, BODY, SIGNATURE = GOOD.split(".")
DEEP: Final = b'{"a":' + b"[" * 1400 + b"]" * 1400 + b"}"


class OneKey:
    """A key source with a single public key."""

    problem: str | None = None
    age_s = 0.0

    def __init__(self, fields: Mapping[str, object], *algorithms: str) -> None:
        key = public_key(fields, algorithms)
        assert key is not None
        self._key = key

    def find(self, key_id: str | None) -> TokenKey:
        return self._key


RSA_VERIFIER: Final = TokenVerifier(
    OneKey(RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True), "RS256"), RULES
)
EC_VERIFIER: Final = TokenVerifier(
    OneKey(ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True), "ES256"), RULES
)


def refused(token: str, verifier: TokenVerifier = VERIFIER) -> str:
    """Return the cause of the refusal."""
    with pytest.raises(Unauthorized) as caught:
        verifier.verify(token, now_s=NOW_S)
    assert str(caught.value) == "the token is not accepted"
    return caught.value.cause


def unsigned(algorithm: str) -> str:
    return f"{encoded(json.dumps({'alg': algorithm}).encode())}.{BODY}."


def other_last_character(token: str) -> str:
    """Return another spelling of the same bytes: 32 bytes leave two spare bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


def test_a_good_token_yields_its_claims() -> None:
    claims = VERIFIER.verify(GOOD, now_s=NOW_S)
    assert (claims.org, claims.sub, claims.jti) == ("acme", "demo", "7f3a9c")
    assert claims.exp_ms == GOOD_CLAIMS["exp"] * 1000  # type: ignore[operator]
    assert claims.services == frozenset({"tasks", "users"})
    assert claims.properties is None
    assert not claims.publish


@pytest.mark.parametrize(
    ("verifier", "key", "algorithm"),
    [(RSA_VERIFIER, RSA_KEY, "RS256"), (EC_VERIFIER, EC_KEY, "ES256")],
    ids=["RS256", "ES256"],
)
def test_a_token_of_a_public_key_is_accepted(
    verifier: TokenVerifier,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    algorithm: str,
) -> None:
    token = jwt.encode(GOOD_CLAIMS, key, algorithm=algorithm)
    assert verifier.verify(token, now_s=NOW_S).org == "acme"
    assert refused(token[:-8] + "AAAAAAAA", verifier) == "the signature is wrong"


BAD_TOKENS: Final = {
    "B64-none": f"{unsigned('none')}AAAA",
    "B64-nOnE": f"{unsigned('nOnE')}AAAA",
    "B64-none-with-good-signature": with_header(alg="none"),
    "B64-none-without-signature": unsigned("none"),
    "B64-no-alg": signed(header={"typ": "JWT"}),
    "B64-alg-list": with_header(alg=["HS256"]),
    "B64-other-hs": with_header(alg="HS512"),
    "B66-bad-signature": signed(secret=SECRET + b"!"),
    "B66-truncated": GOOD[:-1],
    "B66-extra-dot": GOOD + ".",
    "B66-leading-dot": "." + GOOD,
    "B66-padding": GOOD + "=",
    "B66-blank-before": " " + GOOD,
    "B66-newline-after": GOOD + "\n",
    "B66-non-ascii": GOOD[:-1] + "é",
    "B66-plain-base64-alphabet": GOOD[:-1] + "+",
    "B66-spare-bits": other_last_character(GOOD),
    "B67-empty": "",
    "B67-two-segments": f"{HEAD}.{BODY}",
    "B67-five-segments": f"{HEAD}.{BODY}.{BODY}.{BODY}.{SIGNATURE}",
    "B67-only-dots": "..",
    "B68-no-exp": without_claim("exp"),
    "B68-null-exp": with_claims(exp=None),
    "B68-exp-beyond-leeway": with_claims(exp=int(NOW_S) - 10),
    "B69-exp-is-text": with_claims(exp=str(int(NOW_S) + 60)),
    "B70-exp-1e308": with_raw_claim("exp", "1e308"),
    "B70-exp-1e400": with_raw_claim("exp", "1e400"),
    "B70-exp-400-digits": with_raw_claim("exp", "9" * 400),
    "B70-exp-in-ten-years": with_claims(exp=int(NOW_S) + 10 * 365 * 86_400),
    "B70-lives-25-hours": with_claims(exp=int(NOW_S) - 60 + 25 * 3600),
    "B70-exp-minus-400-digits": with_raw_claim("exp", "-" + "9" * 400),
    "B71-exp-nan": with_raw_claim("exp", "NaN"),
    "B71-exp-infinity": with_raw_claim("exp", "Infinity"),
    "B71-exp-true": with_claims(exp=True),
    "B71-exp-fraction-past": with_claims(exp=NOW_S - 10.5),
    "B71-exp-fraction-huge": with_raw_claim("exp", "1795420060e30"),
    "B72-nbf-in-the-future": with_claims(nbf=int(NOW_S) + 11),
    "B72-iat-in-the-future": with_claims(iat=int(NOW_S) + 11),
    "B72-iat-in-the-future-nbf-past": with_claims(iat=int(NOW_S) + 11, nbf=int(NOW_S)),
    "B72-nbf-true": with_claims(nbf=True),
    "B72-nbf-null": with_claims(nbf=None),
    "B72-iat-is-text": with_claims(iat="1795419940"),
    "B72-no-iat": without_claim("iat"),
    "B72-iat-after-exp": with_claims(iat=int(NOW_S) + 5, exp=int(NOW_S) + 5),
    "B73-aud-wrong": with_claims(aud="other"),
    "B73-no-aud": without_claim("aud"),
    "B73-aud-object": with_claims(aud={"fanwire": 1}),
    "B73-aud-list-without-us": with_claims(aud=["other"]),
    "B73-aud-list-with-a-number": with_claims(aud=[AUDIENCE, 7]),
    "B73-aud-empty-list": with_claims(aud=[]),
    "B74-iss-wrong": with_claims(iss="https://evil.example.com/"),
    "B74-iss-superstring": with_claims(iss=ISSUER + "x"),
    "B74-iss-substring": with_claims(iss=ISSUER[:-1]),
    "B74-iss-list": with_claims(iss=[ISSUER]),
    "B74-no-iss": without_claim("iss"),
    "B75-no-sub": without_claim("sub"),
    "B75-sub-number": with_claims(sub=7),
    "B75-sub-empty": with_claims(sub=""),
    "B75-sub-nul": with_claims(sub="de\0mo"),
    "B75-sub-bidi": with_claims(sub="demo\u202e"),
    "B75-sub-newline-at-end": with_claims(sub="demo\n"),
    "B75-sub-too-long": with_claims(sub="a" * 129),
    "B75-no-jti": without_claim("jti"),
    "B75-jti-number": with_claims(jti=7),
    "B75-jti-bidi": with_claims(jti="a\u202eb"),
    "B75-jti-spells-a-revocation": with_claims(jti="demo@1795420000"),
    "B76-no-org": without_claim("org"),
    "B76-org-list": with_claims(org=["acme"]),
    "B76-org-unicode-variant": with_claims(org="\uff41cme"),
    "B76-org-path": with_claims(org="../x"),
    "B76-org-of-the-canary": with_claims(org=CANARY.org),
    "B76-org-brace": with_claims(org="a}b"),
    "B76-services-text": with_claims(services="tasks"),
    "B76-services-null": with_claims(services=None),
    "B76-services-star-in-list": with_claims(services=["*"]),
    "B76-services-number": with_claims(services=["tasks", 7]),
    "B76-services-foreign-key": with_claims(services=["tasks}:x"]),
    "B76-properties-star-in-list": with_claims(properties=["p9", "*"]),
    "B76-properties-object": with_claims(properties={"p9": True}),
    "B76-properties-surrogate": with_raw_claim("properties", '["\\ud800"]'),
    "B76-publish-text": with_claims(publish="true"),
    "B77-sub-twice": with_raw_claim("sub", '"demo","sub":"root"'),
    "B77-alg-twice": signed(header=b'{"alg":"none","alg":"HS256"}'),
    "B78-crit-unknown": with_header(crit=["exp2"]),
    "B78-crit-empty": with_header(crit=[]),
    "B78-b64-false": with_header(b64=False),
    "B79-kid-number": with_header(kid=7),
    "B79-kid-null": with_header(kid=None),
    "B79-kid-10-kb": with_header(kid="k" * 10_000),
    "B81-refresh-token": with_header(typ="refresh+jwt"),
    "B81-id-token": with_header(typ="id_token"),
    "B81-typ-number": with_header(typ=1),
    "B82-100-kb": with_claims(filler="x" * 100_000),
    "B82-just-over-4-kib": GOOD + "A" * (4097 - len(GOOD)),
    "B83-nested-deep": signed(DEEP),
    "B83-header-nested-deep": signed(header=DEEP),
    "B83-array": signed(b"[]"),
    "B83-number": signed(b"7"),
    "B83-not-json": signed(b"sub=demo"),
    "B83-two-objects": signed(b"{}{}"),
    "B83-not-utf-8": signed(b'{"sub":"\xff"}'),
    "B83-utf-16": signed(json.dumps(GOOD_CLAIMS).encode("utf-16")),
    "B83-byte-order-mark": signed(b"\xef\xbb\xbf" + json.dumps(GOOD_CLAIMS).encode()),
    "B83-header-array": signed(header=b"[]"),
}


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
def test_a_bad_token_is_refused_without_saying_why(token: str) -> None:
    cause = refused(token)
    assert cause
    assert len(cause) < 100


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
def test_of_all_faults_the_first_is_why_the_gateway_refuses(token: str) -> None:
    assert find_faults(token, lambda _: KEY, RULES, now_s=NOW_S).faults[0] == refused(token)


@pytest.mark.parametrize("secret", [RSA_PUBLIC_PEM, RSA_PUBLIC_PEM.strip()], ids=["B65", "B65-cut"])
def test_a_public_key_is_no_secret(secret: bytes) -> None:
    assert "alg" in refused(signed(secret=secret), RSA_VERIFIER)
    assert refused(with_header(alg="RS256"), RSA_VERIFIER) == "the signature is wrong"


GOOD_VARIANTS: Final = {
    "B68-exp-within-leeway": with_claims(exp=int(NOW_S) - 9),
    "B70-lives-24-hours": with_claims(exp=int(NOW_S) - 60 + 24 * 3600),
    "B71-exp-fraction": with_claims(exp=NOW_S + 60.5),
    "B71-iat-fraction": with_claims(iat=NOW_S - 60.25),
    "B71-nbf-fraction": with_claims(nbf=NOW_S - 0.5),
    "B72-iat-within-leeway": with_claims(iat=int(NOW_S) + 10),
    "B73-aud-list-with-us": with_claims(aud=["other", AUDIENCE]),
    "B76-unknown-claim": with_claims(email="demo@example.com"),
    "B79-kid-of-a-shared-secret": with_header(kid="../../etc/passwd"),
    "B81-no-typ": signed(header={"alg": "HS256"}),
    "B81-at-jwt": with_header(typ="at+JWT"),
    "B82-just-under-4-kib": with_claims(filler="x" * 2500),
}


@pytest.mark.parametrize("token", GOOD_VARIANTS.values(), ids=GOOD_VARIANTS.keys())
def test_what_an_honest_issuer_may_vary_is_accepted(token: str) -> None:
    assert VERIFIER.verify(token, now_s=NOW_S).sub == "demo"


@pytest.mark.parametrize("token", GOOD_VARIANTS.values(), ids=GOOD_VARIANTS.keys())
def test_what_is_accepted_has_no_faults(token: str) -> None:
    assert find_faults(token, lambda _: KEY, RULES, now_s=NOW_S).faults == ()


@pytest.mark.parametrize("name", ["jku", "x5u", "x5c", "jwk"], ids="B80-{}".format)
def test_a_key_that_the_token_brings_along_is_ignored(name: str) -> None:
    attacker = b"the attacker's own secret, 32 bytes"
    brought = {"kty": "oct", "k": encoded(attacker)}
    header = GOOD_HEADER | {name: brought if name == "jwk" else "http://169.254.169.254/key"}
    assert refused(signed(header=header, secret=attacker)) == "the signature is wrong"
    assert VERIFIER.verify(signed(header=header), now_s=NOW_S).org == "acme"


def test_b76_an_org_in_other_case_is_another_org() -> None:
    assert VERIFIER.verify(with_claims(org="ACME"), now_s=NOW_S).org == "ACME"


def test_a_token_that_lists_nothing_may_receive_nothing() -> None:
    claims = VERIFIER.verify(
        signed({k: v for k, v in GOOD_CLAIMS.items() if k not in ("services", "properties")}),
        now_s=NOW_S,
    )
    assert claims.services == frozenset()
    assert claims.properties == frozenset()
    assert not claims.may_receive("tasks")


def test_a_star_allows_every_service_and_a_list_only_its_own() -> None:
    everything = VERIFIER.verify(with_claims(services="*"), now_s=NOW_S)
    listed = VERIFIER.verify(GOOD, now_s=NOW_S)
    assert everything.may_receive("finance")
    assert listed.may_receive("tasks")
    assert not listed.may_receive("finance")


def test_a_token_is_refused_from_its_expiry_and_leeway_on() -> None:
    end_s = float(int(NOW_S) + 3600 + 10)
    assert VERIFIER.verify(GOOD, now_s=end_s - 0.001).sub == "demo"
    with pytest.raises(Unauthorized):
        VERIFIER.verify(GOOD, now_s=end_s)


def test_B82_a_token_may_be_as_long_as_the_rules_say() -> None:
    rules = ClaimRules(ISSUER, AUDIENCE, max_bytes=8_192)
    large = TokenVerifier(SharedSecret(SECRET), rules)
    assert large.verify(with_claims(groups=["g" * 36] * 100), now_s=NOW_S).sub == "demo"
    assert refused(with_claims(groups=["g" * 36] * 100)).endswith("bytes, at most 4096")
    assert refused(GOOD + "A" * (8_193 - len(GOOD)), large).endswith("8193 bytes, at most 8192")


def test_B82_the_longest_token_leaves_room_in_a_head() -> None:
    assert LARGEST_TOKEN_BYTES + 4_096 <= MAX_HEAD_BYTES


def test_B71_a_fraction_is_rounded_down() -> None:
    claims = VERIFIER.verify(with_claims(iat=NOW_S - 60.25, exp=NOW_S + 60.75), now_s=NOW_S)
    assert claims.exp_ms == (int(NOW_S) + 60) * 1000
    assert claims.iat_s == int(NOW_S) - 61


def test_tokens_with_the_same_list_share_one_set() -> None:
    first = VERIFIER.verify(with_claims(sub="a"), now_s=NOW_S)
    second = VERIFIER.verify(with_claims(sub="b"), now_s=NOW_S)
    assert first.services is second.services


@pytest.mark.parametrize("size", [0, 1, 31], ids="B90-{}-bytes".format)
def test_a_short_secret_is_refused_at_start(size: int) -> None:
    with pytest.raises(ValueError, match=f"{size} bytes, at least 32"):
        SharedSecret(b"x" * size)


@given(token=st.text(max_size=200) | st.from_regex(r"[\w-]+\.[\w-]+\.[\w-]+", fullmatch=True))
def test_no_text_gets_anything_but_a_refusal(token: str) -> None:
    refused(token)


@given(at=st.integers(0, len(GOOD) - 1), replacement=st.characters(max_codepoint=255))
def test_one_changed_character_spoils_a_token(at: int, replacement: str) -> None:
    changed = GOOD[:at] + replacement + GOOD[at + 1 :]
    if changed != GOOD:
        refused(changed)


claim_values: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.lists(st.text()),
    st.integers(int(NOW_S) - 100, int(NOW_S) + 100),
    st.just([AUDIENCE]),
)


@given(
    changed=st.dictionaries(st.sampled_from([*GOOD_CLAIMS, "nbf"]), claim_values, max_size=2),
    missing=st.sets(st.sampled_from(list(GOOD_CLAIMS)), max_size=1),
)
def test_what_we_accept_the_library_accepts_too(
    changed: dict[str, object], missing: set[str]
) -> None:
    claims = {k: v for k, v in (GOOD_CLAIMS | changed).items() if k not in missing}
    token = signed(json.dumps(claims).encode())
    try:
        VERIFIER.verify(token, now_s=NOW_S)
    except Unauthorized:
        return
    jwt.decode(
        token,
        SECRET,
        algorithms=["HS256"],
        audience=AUDIENCE,
        issuer=ISSUER,
        options={
            "require": ["exp", "iat", "sub", "aud", "iss", "jti"],
            # The library reads the real clock, and these tokens live at another time.
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
        },
    )


@given(
    changed=st.dictionaries(st.sampled_from([*GOOD_CLAIMS, "nbf"]), claim_values, max_size=4),
    missing=st.sets(st.sampled_from(list(GOOD_CLAIMS)), max_size=2),
)
def test_a_token_has_faults_if_and_only_if_the_gateway_refuses_it(
    changed: dict[str, object], missing: set[str]
) -> None:
    claims = {k: v for k, v in (GOOD_CLAIMS | changed).items() if k not in missing}
    token = signed(json.dumps(claims).encode())
    faults = find_faults(token, lambda _: KEY, RULES, now_s=NOW_S).faults
    if faults:
        assert refused(token) == faults[0]
    else:
        VERIFIER.verify(token, now_s=NOW_S)
