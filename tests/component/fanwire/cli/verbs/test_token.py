"""`fanwire token check` says what a gateway of the same settings would say."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Final

import pytest

from tests.support.command_line import Run
from tests.support.issuer import issued, published_keys
from tests.support.jwks_stub import JwksStub, jwks_stub
from tests.support.signing import AUDIENCE, GOOD_CLAIMS, ISSUER, SECRET, signed

NOW_S: Final = GOOD_CLAIMS["iat"]
CHECK: Final = (
    "token", "check", "-", "--secret", SECRET.decode(), "--issuer", ISSUER, "--audience", AUDIENCE,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _at_the_time_of_the_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOW_S)


@pytest.fixture
async def issuer() -> AsyncIterator[JwksStub]:
    async with jwks_stub() as stub:
        stub.serve(published_keys("ES256", "EdDSA"))
        yield stub


def pipe(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))


def test_a_token_is_read_from_a_pipe(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(monkeypatch, signed().encode() + b"\n")
    ran = run(*CHECK, "--json")
    assert ran.code == 0
    assert json.loads(ran.out) == {"claims": GOOD_CLAIMS, "accepted": True, "faults": []}


def test_all_that_is_wrong_is_listed_and_the_exit_code_is_1(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe(monkeypatch, signed(GOOD_CLAIMS | {"sub": "auth0|7", "org": None, "aud": "x"}).encode())
    ran = run(*CHECK)
    assert ran.code == 1
    assert [line for line in ran.out.splitlines() if line.startswith("refused")] == [
        "refused    aud does not name us",
        "refused    the claim org is null, not a text",
        "refused    the claim sub has '|', allowed are A-Z a-z 0-9 . _ -",
    ]
    assert "token_refused" in ran.err


def test_the_claims_are_mapped_as_the_gateways_of_this_environment_map_them(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signed(GOOD_CLAIMS | {"sub": "auth0|7", "uid": "u7"})
    pipe(monkeypatch, token.encode())
    assert run(*CHECK).code == 1
    monkeypatch.setenv("REALTIME_TOKEN_PRESET", "okta")
    pipe(monkeypatch, token.encode())
    assert run(*CHECK).code == 0


def test_a_setting_that_cannot_be_is_a_mistake_of_usage(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REALTIME_TOKEN_DEFAULT_SERVICES", "a,*")
    pipe(monkeypatch, signed().encode())
    ran = run(*CHECK)
    assert ran.code == 2
    assert "REALTIME_TOKEN_DEFAULT_SERVICES must be names of services" in ran.err


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"no-token",
        b"\xff\xfe",
        signed({"exp": 10**400}).encode(),
        signed({"exp": 1e300}).encode(),
    ],
    ids=["empty", "no token", "no text", "400 digits", "1e300"],
)
@pytest.mark.parametrize("json_flag", [[], ["--json"]], ids=["text", "json"])
def test_whatever_is_piped_in_is_refused_and_breaks_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch, text: bytes, json_flag: list[str]
) -> None:
    pipe(monkeypatch, text)
    assert run(*CHECK, *json_flag).code == 1


@pytest.mark.parametrize(
    ("signed_by", "accepted", "faults"),
    [
        ("ES256", None, []),
        ("EdDSA", "EdDSA", []),
        ("EdDSA", None, ["the key that the token names is none of the 1 published"]),
        ("RS256", None, ["the key that the token names is none of the 1 published"]),
    ],
)
async def test_a_token_is_checked_with_the_keys_that_its_issuer_publishes(
    run: Run, issuer: JwksStub, signed_by: str, accepted: str | None, faults: list[str]
) -> None:
    options = ("--jwks", issuer.url, "--issuer", ISSUER, "--audience", AUDIENCE, "--json")
    algorithms = ("--algorithms", accepted) if accepted else ()
    token = issued(signed_by, GOOD_CLAIMS)
    ran = await asyncio.to_thread(run, "token", "check", token, *options, *algorithms)
    assert json.loads(ran.out)["faults"] == faults
    assert ran.code == (1 if faults else 0)


@pytest.mark.parametrize(
    ("status", "body"), [("500 Oh", b"{}"), ("200 OK", b"no JSON"), ("200 OK", b'{"keys":[]}')]
)
async def test_an_issuer_without_keys_is_unreachable_and_the_token_not_judged(
    run: Run, issuer: JwksStub, status: str, body: bytes
) -> None:
    issuer.respond(body, status=status)
    ran = await asyncio.to_thread(run, "token", "check", signed(), "--jwks", issuer.url)
    assert (ran.code, ran.out) == (3, "")


def test_a_secret_beside_a_jwks_is_a_mistake_of_usage(run: Run) -> None:
    assert run(*CHECK, "--jwks", "https://issuer.test/keys").code == 2


def test_an_algorithm_of_the_other_family_is_a_mistake_of_usage(run: Run) -> None:
    assert run(*CHECK, "--algorithms", "RS256").code == 2
