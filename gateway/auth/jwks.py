"""The public keys of an identity provider, fetched in the background.

Connects never wait for the provider: they use the keys at hand. A token that names an unknown
key is refused and asks for a fetch, at most one in each cool-down; the client comes back with
its next try and finds the key. One address is ever asked, the one in the settings; nothing in
a token can send us elsewhere, and neither can a redirect.

Rejected: PyJWT's own JWKS client. It blocks the event loop for as long as the provider likes.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

import httpx

from fanwire.auth.key_set import usable_keys
from fanwire.auth.token_key import TokenKey
from fanwire.errors import Unauthorized
from fanwire.wire.strict_json import NotStrictJson
from gateway.auth.key_ring import KeyLimits, KeyRing
from shared.logs import logger

log = logger()

_FIRST_RETRY_S: Final = 1.0


class JwksUnusable(Exception):
    """The provider answered, but not with keys that we can use."""


class JwksKeys:
    """The keys behind a JWKS address; a `KeySource` for the token check.

    The task that runs `run` owns it; cancel it to stop. `find` and `run` belong to one event
    loop. While there is a `problem` every token is refused, so a gateway is not ready then.
    """

    def __init__(
        self,
        url: str,
        algorithms: Collection[str],
        limits: KeyLimits | None = None,
        *,
        allow_http: bool = False,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = _checked_url(url, allow_http=allow_http)
        self._algorithms = algorithms
        self._limits = limits or KeyLimits()
        self._monotonic_s = monotonic_s
        self._ring = KeyRing(self._limits)
        self._started_s = monotonic_s()
        self._wanted = asyncio.Event()
        self._attempted_s: float | None = None

    @property
    def problem(self) -> str | None:
        """Why no token can be checked now, None if tokens can be."""
        if self._ring.is_usable(now_s=self._monotonic_s()):
            return None
        if self._ring.fetched_s is None:
            return "the keys at REALTIME_JWKS_URL were never fetched; the log says why"
        return (
            f"the keys at REALTIME_JWKS_URL were fetched {self.age_s:.0f} s ago, more than "
            f"REALTIME_JWKS_MAX_AGE_S ({self._limits.longest_age_s:.0f}); the log says why"
        )

    @property
    def age_s(self) -> float:
        """How long ago the keys were fetched, or this began if they never were."""
        fetched_s = self._ring.fetched_s
        return self._monotonic_s() - (self._started_s if fetched_s is None else fetched_s)

    def find(self, key_id: str | None) -> TokenKey:
        """Return the key named `key_id`; raises Unauthorized, and asks for a fetch."""
        if key_id is None:
            raise Unauthorized("the token names no key")
        now_s = self._monotonic_s()
        key = self._ring.find(key_id, now_s=now_s)
        if key is not None:
            return key
        if self._has_cooled_down(now_s):
            self._wanted.set()
        raise Unauthorized("the key that the token names is unknown, withdrawn or too old")

    async def run(self) -> None:
        """Keep the keys fresh until cancelled."""
        retry_s = _FIRST_RETRY_S
        async with jwks_client(self._limits) as client:
            while True:
                if await self._refresh(client):
                    retry_s = _FIRST_RETRY_S
                    await self._wait(self._limits.refresh_s)
                else:
                    await self._wait(retry_s)
                    retry_s = min(retry_s * 2, self._limits.cool_down_s)

    def _has_cooled_down(self, now_s: float) -> bool:
        attempted_s = self._attempted_s
        return attempted_s is not None and now_s - attempted_s >= self._limits.cool_down_s

    async def _refresh(self, client: httpx.AsyncClient) -> bool:
        self._attempted_s = self._monotonic_s()
        try:
            keys = await fetch_keys(client, self._url, self._algorithms, self._limits)
        except (httpx.HTTPError, JwksUnusable, NotStrictJson, TimeoutError) as error:
            log.warning("jwks.refresh_failed", kind=type(error).__name__, cause=str(error))
            return False
        self._ring.replace(keys, now_s=self._monotonic_s())
        log.info("jwks.refreshed", key_count=len(keys))
        return True

    async def _wait(self, longest_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._wanted.wait()
        self._wanted.clear()


async def fetch_keys(
    client: httpx.AsyncClient, url: str, algorithms: Collection[str], limits: KeyLimits
) -> dict[str, TokenKey]:
    """Return the usable keys at `url`.

    Raises:
        JwksUnusable, NotStrictJson: If the answer has none.
        httpx.HTTPError, TimeoutError: If there is no answer in time.
    """
    # httpx bounds the wait for each read; a provider that drips bytes needs a bound in all.
    async with asyncio.timeout(limits.timeout_s), client.stream("GET", url) as response:
        if response.status_code != httpx.codes.OK:
            raise JwksUnusable(f"status {response.status_code}")
        document = await _bounded_body(response, limits.max_bytes)
    keys = usable_keys(document, algorithms)
    if not keys:
        # To take this for the truth would refuse everybody, because of one bad deploy there.
        raise JwksUnusable(f"no key for {' '.join(algorithms)} in the answer")
    return keys


async def _bounded_body(response: httpx.Response, max_bytes: int) -> bytes:
    # Raw and uncompressed: a small compressed answer could unfold to gigabytes in one step.
    if response.headers.get("content-encoding", "identity") != "identity":
        raise JwksUnusable("the answer is compressed, which was not asked for")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > max_bytes:
            raise JwksUnusable(f"the answer is longer than {max_bytes} bytes")
    return bytes(body)


def jwks_client(limits: KeyLimits) -> httpx.AsyncClient:
    """Return a client that goes nowhere but where it is sent."""
    return httpx.AsyncClient(
        follow_redirects=False,
        timeout=limits.timeout_s,
        headers={"accept": "application/json", "accept-encoding": "identity"},
    )


def _checked_url(url: str, *, allow_http: bool) -> str:
    scheme = httpx.URL(url).scheme
    if scheme != "https" and not (scheme == "http" and allow_http):
        raise ValueError("REALTIME_JWKS_URL must begin with https://")
    return url
