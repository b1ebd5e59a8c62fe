"""Fetching keys from a provider that is slow, wrong, moved or down."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from fanwire.errors import Unauthorized
from fanwire.wire.strict_json import NotStrictJson
from gateway.auth.jwks import JwksKeys, JwksUnusable, fetch_keys, jwks_client
from gateway.auth.key_ring import KeyLimits
from tests.support.jwks_stub import JwksStub, ec_jwk, jwks_stub

KEY_1 = ec_jwk(ec.generate_private_key(ec.SECP256R1()), "k1")
KEY_2 = ec_jwk(ec.generate_private_key(ec.SECP256R1()), "k2")
ALGORITHMS = ("ES256",)
LIMITS = KeyLimits(refresh_s=300, longest_age_s=3600, cool_down_s=30, timeout_s=5)


class JwksClock:
    """A monotonic clock that stands still until it is told to move."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
async def stub() -> AsyncIterator[JwksStub]:
    async with jwks_stub() as running:
        running.serve([KEY_1])
        yield running


@pytest.fixture
def clock() -> JwksClock:
    return JwksClock()


@asynccontextmanager
async def running(
    stub: JwksStub, clock: JwksClock, limits: KeyLimits = LIMITS
) -> AsyncIterator[JwksKeys]:
    keys = JwksKeys(stub.url, ALGORITHMS, limits, allow_http=True, monotonic_s=clock)
    async with asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(keys.run())
        try:
            yield keys
        finally:
            loop.cancel()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 (the state of a loop that tells nobody)
            await asyncio.sleep(0.001)


def knows(keys: JwksKeys, key_id: str) -> bool:
    with suppress(Unauthorized):
        return keys.find(key_id) is not None
    return False


async def fetched(stub: JwksStub, limits: KeyLimits = LIMITS) -> set[str]:
    async with jwks_client(limits) as client:
        return set(await fetch_keys(client, stub.url, ALGORITHMS, limits))


async def test_keys_are_there_soon_after_the_start(stub: JwksStub, clock: JwksClock) -> None:
    async with running(stub, clock) as keys:
        assert keys.problem is not None
        await until(lambda: keys.problem is None)
        assert knows(keys, "k1")
        assert not knows(keys, "k2")


async def test_a_gateway_without_usable_keys_says_which_way_they_are_missing(
    stub: JwksStub, clock: JwksClock
) -> None:
    async with running(stub, clock) as keys:
        assert keys.problem is not None
        assert "were never fetched" in keys.problem
        await until(lambda: keys.problem is None)
        clock.now_s += 4000
        assert keys.problem is not None
        assert "fetched 4000 s ago, more than REALTIME_JWKS_MAX_AGE_S (3600)" in keys.problem


async def test_the_age_of_the_keys_counts_from_the_start_until_they_come(
    stub: JwksStub, clock: JwksClock
) -> None:
    keys = JwksKeys(stub.url, ALGORITHMS, LIMITS, allow_http=True, monotonic_s=clock)
    clock.now_s += 7
    assert keys.age_s == 7
    async with running(stub, clock) as fetched_keys:
        await until(lambda: fetched_keys.problem is None)
        clock.now_s += 5
        assert fetched_keys.age_s == 5


async def test_a_token_without_key_id_is_refused(stub: JwksStub, clock: JwksClock) -> None:
    async with running(stub, clock) as keys:
        await until(lambda: keys.problem is None)
        with pytest.raises(Unauthorized):
            keys.find(None)


async def test_f36_unknown_keys_cause_one_fetch_in_a_cool_down(
    stub: JwksStub, clock: JwksClock
) -> None:
    async with running(stub, clock) as keys:
        await until(lambda: keys.problem is None)
        stub.serve([KEY_1, KEY_2])
        assert not any(knows(keys, f"attack-{n}") for n in range(1000))
        await asyncio.sleep(0.02)
        assert stub.request_count == 1

        clock.now_s += 30
        assert not knows(keys, "k2")
        await until(lambda: stub.request_count == 2 and knows(keys, "k2"))
        assert not any(knows(keys, f"attack-{n}") for n in range(1000))
        await asyncio.sleep(0.02)
        assert stub.request_count == 2


async def test_f36_a_provider_that_is_down_leaves_the_keys_until_their_age(
    stub: JwksStub, clock: JwksClock
) -> None:
    async with running(stub, clock) as keys:
        await until(lambda: keys.problem is None)
        stub.respond(b"", status="503 Service Unavailable")
        clock.now_s += 3599
        assert not knows(keys, "k2")
        await until(lambda: stub.request_count >= 2)
        assert knows(keys, "k1")
        clock.now_s += 1
        assert not knows(keys, "k1")
        assert keys.problem is not None


async def test_f36_a_first_fetch_that_fails_is_tried_again(
    stub: JwksStub, clock: JwksClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.auth.jwks._FIRST_RETRY_S", 0.01)
    stub.respond(b"", status="500 Internal Server Error")
    async with running(stub, clock) as keys:
        await until(lambda: stub.request_count >= 2)
        stub.serve([KEY_1])
        await until(lambda: keys.problem is None)


async def test_keys_are_fetched_again_before_anybody_misses_one(
    stub: JwksStub, clock: JwksClock
) -> None:
    async with running(stub, clock, KeyLimits(refresh_s=0.01)) as keys:
        await until(lambda: keys.problem is None)
        stub.serve([KEY_1, KEY_2])
        await until(lambda: knows(keys, "k2"))


async def test_f36_a_slow_provider_is_left_after_the_timeout(stub: JwksStub) -> None:
    stub.is_silent = True
    with pytest.raises((TimeoutError, httpx.TimeoutException)):
        await fetched(stub, KeyLimits(timeout_s=0.05))


async def test_f36_a_provider_that_drips_is_left_after_the_timeout_in_all(stub: JwksStub) -> None:
    stub.is_dripping = True
    with pytest.raises(TimeoutError):
        await fetched(stub, KeyLimits(timeout_s=0.1))


async def test_only_the_configured_address_is_asked_for_plain_json(stub: JwksStub) -> None:
    assert await fetched(stub) == {"k1"}
    assert stub.last_request.startswith(b"GET /jwks HTTP/1.1\r\n")
    assert b"accept-encoding: identity\r\n" in stub.last_request.lower()


async def test_a_redirect_is_not_followed(stub: JwksStub) -> None:
    stub.respond(b"", status="302 Found", header=f"Location: {stub.url}2\r\n")
    with pytest.raises(JwksUnusable, match="status 302"):
        await fetched(stub)
    assert stub.request_count == 1


async def test_an_answer_over_the_limit_is_not_read_to_its_end(stub: JwksStub) -> None:
    stub.respond(b" " * 300_000)
    with pytest.raises(JwksUnusable, match="longer than 262144"):
        await fetched(stub)


async def test_a_compressed_answer_is_refused(stub: JwksStub) -> None:
    stub.respond(b"\x1f\x8b", header="Content-Encoding: gzip\r\n")
    with pytest.raises(JwksUnusable, match="compressed"):
        await fetched(stub)


@pytest.mark.parametrize(
    ("body", "error"),
    [(b"<html>", NotStrictJson), (b"{}", JwksUnusable), (b'{"keys":[]}', JwksUnusable)],
)
async def test_an_answer_without_keys_never_replaces_good_ones(
    stub: JwksStub, clock: JwksClock, body: bytes, error: type[Exception]
) -> None:
    async with running(stub, clock) as keys:
        await until(lambda: keys.problem is None)
        stub.respond(body)
        clock.now_s += 31
        assert not knows(keys, "k2")
        await until(lambda: stub.request_count == 2)
        await asyncio.sleep(0.02)
        assert knows(keys, "k1")
    with pytest.raises(error):
        await fetched(stub)


async def test_a_provider_that_hangs_up_is_an_error_of_the_line(stub: JwksStub) -> None:
    stub.answer = b""
    stub.url = "http://127.0.0.1:1/jwks"
    with pytest.raises(httpx.HTTPError):
        await fetched(stub)


@pytest.mark.parametrize("url", ["http://login.example.com/jwks", "file:///etc/passwd", "jwks"])
def test_keys_come_over_https_unless_told_otherwise(url: str) -> None:
    with pytest.raises(ValueError, match="REALTIME_JWKS_URL must begin with https://"):
        JwksKeys(url, ALGORITHMS)
    JwksKeys("https://login.example.com/jwks", ALGORITHMS)
