"""The keys that `fanwire token check` checks with: a secret, or those that an issuer publishes."""

from collections.abc import Sequence
from typing import Final

import httpx

from fanwire.auth.key_set import usable_keys
from fanwire.auth.token_faults import FindKey
from fanwire.auth.token_key import TokenKey, secret_key
from fanwire.errors import Unauthorized, Unreachable
from fanwire.wire.strict_json import NotStrictJson

_PATIENCE_S: Final = 5.0
"""As long as a gateway waits for an issuer."""


def secret_finder(secret: str, algorithms: Sequence[str]) -> FindKey:
    """Return what finds the secret, whatever key is named; raises ValueError if it is short."""
    key = secret_key(secret.encode(), algorithms)
    return lambda _: key


def published_finder(url: str, algorithms: Sequence[str]) -> FindKey:
    """Return what finds a key among those at `url`.

    Raises:
        Unreachable: If there are none that a gateway could use.
    """
    keys = _published(url, algorithms)

    def find(key_id: str | None) -> TokenKey:
        if key_id is None:
            raise Unauthorized("the token names no key")
        if key_id not in keys:
            raise Unauthorized(f"the key that the token names is none of the {len(keys)} published")
        return keys[key_id]

    return find


def _published(url: str, algorithms: Sequence[str]) -> dict[str, TokenKey]:
    try:
        answer = httpx.get(url, timeout=_PATIENCE_S, follow_redirects=False)
        keys = usable_keys(answer.content, algorithms) if answer.is_success else {}
    except (httpx.HTTPError, httpx.InvalidURL, NotStrictJson) as error:
        raise Unreachable(f"no keys at {url}: {type(error).__name__}") from None
    if not keys:
        named = " ".join(algorithms)
        raise Unreachable(f"no key for {named} at {url}, which answered {answer.status_code}")
    return keys
