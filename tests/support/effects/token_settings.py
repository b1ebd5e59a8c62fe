"""REALTIME_JWT_*, _JWKS_* and _TOKEN_*: by what a gateway says to a token, and reads in it.

`{secret_file}` and `{jwks_url}` in a value stand for what the test has made.
"""

import asyncio
import time
from contextlib import suppress
from typing import Any, Final

from fanwire.errors import Unauthorized
from gateway.auth.jwks import JwksKeys
from shared.settings.loading import SettingsProblem
from tests.support.effects.effect import Effect, a_gateway
from tests.support.environment import SECRET, VALID
from tests.support.issuer import LONG_SECRET, issued
from tests.support.signing import GOOD_CLAIMS, NOW_S, signed
from tests.support.waiting import eventually

ACCEPTED: Final = "accepted"
OTHER_SECRET: Final = "Another9Secret8Of7The6Issuer5Here4"
CLAIMS: Final = GOOD_CLAIMS | {
    "iss": VALID["REALTIME_JWT_ISSUER"],
    "aud": VALID["REALTIME_JWT_AUDIENCE"],
}
NO_SECRET: Final = {"REALTIME_JWT_SECRET": ""}
JWKS: Final = NO_SECRET | {"REALTIME_JWKS_URL": "{jwks_url}", "REALTIME_JWKS_INSECURE": "true"}


def a_token(*, secret: str = SECRET, **changed: object) -> str:
    """Return a token that is good but for what is changed."""
    return signed(CLAIMS | changed, secret=secret.encode())


async def verdict(token: str) -> str:
    """Return what a gateway of the environment says: accepted, or why not."""
    try:
        gateway = a_gateway()
    except SettingsProblem as problem:
        return str(problem)
    if gateway.jwks is not None:
        await _fetch(gateway.jwks)
    try:
        gateway.sessions.credentials.verifier.verify(token, now_s=NOW_S)
    except Unauthorized as refusal:
        return refusal.cause
    return ACCEPTED


async def read(claim: str, *missing: str, **changed: object) -> object:
    """Return what a gateway of the environment reads in a token; None if it refuses."""
    payload = {name: value for name, value in CLAIMS.items() if name not in missing} | changed
    try:
        verifier = a_gateway().sessions.credentials.verifier
        claims = verifier.verify(signed(payload, secret=SECRET.encode()), now_s=NOW_S)
    except (SettingsProblem, Unauthorized):
        return None
    found: object = getattr(claims, claim)
    return found


async def _fetch(keys: JwksKeys) -> None:
    async with asyncio.TaskGroup() as tasks:
        fetching = tasks.create_task(keys.run())
        await eventually(lambda: keys.problem is None, every_s=0.001)
        fetching.cancel()


async def first_wait_s() -> float:
    """Return how long it is until keys are fetched again."""
    keys, waits = a_gateway().jwks, list[float]()
    assert keys is not None

    async def wait(longest_s: float) -> None:
        waits.append(longest_s)
        raise asyncio.CancelledError

    keys._wait = wait  # type: ignore[method-assign]
    with suppress(asyncio.CancelledError):
        await keys.run()
    return waits[0]


async def is_ready_after(seconds: float) -> bool:
    """Tell whether keys serve for so long while the issuer is down."""
    keys: Any = a_gateway().jwks
    await _fetch(keys)
    keys._monotonic_s = lambda: time.monotonic() + seconds
    is_ready: bool = keys.problem is None
    return is_ready


EFFECTS: Final = {
    "REALTIME_JWT_SECRET": Effect(
        OTHER_SECRET, lambda: verdict(a_token(secret=OTHER_SECRET)), ACCEPTED
    ),
    "REALTIME_JWT_SECRET_FILE": Effect(
        "{secret_file}", lambda: verdict(a_token()), ACCEPTED, NO_SECRET
    ),
    "REALTIME_JWKS_URL": Effect(
        "{jwks_url}",
        lambda: verdict(issued("ES256", CLAIMS)),
        ACCEPTED,
        NO_SECRET | {"REALTIME_JWKS_INSECURE": "true"},
    ),
    "REALTIME_JWKS_INSECURE": Effect(
        "true",
        lambda: verdict(issued("ES256", CLAIMS)),
        ACCEPTED,
        NO_SECRET | {"REALTIME_JWKS_URL": "{jwks_url}"},
    ),
    "REALTIME_JWKS_REFRESH_S": Effect("60", first_wait_s, 60, JWKS),
    "REALTIME_JWKS_MAX_AGE_S": Effect(
        "60", lambda: is_ready_after(61), False, JWKS | {"REALTIME_JWKS_REFRESH_S": "10"}
    ),
    "REALTIME_JWT_ALGORITHMS": Effect(
        "HS512",
        lambda: verdict(issued("HS512", CLAIMS)),
        ACCEPTED,
        {"REALTIME_JWT_SECRET": LONG_SECRET.decode()},
    ),
    "REALTIME_JWT_ISSUER": Effect(
        "https://other.test", lambda: verdict(a_token(iss="https://other.test")), ACCEPTED
    ),
    "REALTIME_JWT_AUDIENCE": Effect("other", lambda: verdict(a_token(aud="other")), ACCEPTED),
    "REALTIME_JWT_LEEWAY_S": Effect("10", lambda: verdict(a_token(exp=int(NOW_S) - 7)), ACCEPTED),
    "REALTIME_JWT_MAX_LIFETIME_S": Effect(
        "600", lambda: verdict(a_token()), "lives longer than 600 s, or not at all"
    ),
    "REALTIME_TOKEN_MAX_BYTES": Effect(
        "8192", lambda: verdict(a_token(groups="g" * 4_500)), ACCEPTED
    ),
    "REALTIME_TOKEN_PRESET": Effect("okta", lambda: read("sub", uid="u7"), "u7"),
    "REALTIME_TOKEN_USER_CLAIM": Effect("uid", lambda: read("sub", uid="u7"), "u7"),
    "REALTIME_TOKEN_ORG_CLAIM": Effect("o.id", lambda: read("org", o={"id": "globex"}), "globex"),
    "REALTIME_TOKEN_SERVICES_CLAIM": Effect(
        "groups", lambda: read("services", groups=["a"]), frozenset({"a"})
    ),
    "REALTIME_TOKEN_PROPERTIES_CLAIM": Effect(
        "places", lambda: read("properties", places=["p1"]), frozenset({"p1"})
    ),
    "REALTIME_TOKEN_PUBLISH_CLAIM": Effect("writer", lambda: read("publish", writer=True), True),
    "REALTIME_TOKEN_CLIENT_CLAIM": Effect(
        "azp", lambda: read("org", "aud", azp=VALID["REALTIME_JWT_AUDIENCE"]), "acme"
    ),
    "REALTIME_TOKEN_JTI_OPTIONAL": Effect("true", lambda: read("org", "jti"), "acme"),
    "REALTIME_TOKEN_SCOPE_CLAIM": Effect(
        "scp",
        lambda: read("services", "services", scp="staff"),
        frozenset({"tasks"}),
        {"REALTIME_TOKEN_SCOPES": "staff=tasks"},
    ),
    "REALTIME_TOKEN_SCOPES": Effect(
        "staff=tasks",
        lambda: read("services", "services", scp="staff"),
        frozenset({"tasks"}),
        {"REALTIME_TOKEN_SCOPE_CLAIM": "scp"},
    ),
    "REALTIME_TOKEN_DEFAULT_ORG": Effect("globex", lambda: read("org", "org"), "globex"),
    "REALTIME_TOKEN_DEFAULT_SERVICES": Effect(
        "news", lambda: read("services", "services"), frozenset({"news"})
    ),
    "REALTIME_TOKEN_DEFAULT_PROPERTIES": Effect(
        "p1,p2", lambda: read("properties", "properties"), frozenset({"p1", "p2"})
    ),
}
