"""The public keys of an issuer, as last fetched, and what may still be done with them.

A key that the issuer has withdrawn is accepted for an overlap, since tokens signed with it a
moment ago are still in browsers. Keys that could not be fetched again for too long are all
refused: an issuer that called one back could not have told us.

Misses are not remembered. A list of unknown key ids would be a list that attackers fill.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fanwire.auth.token_key import TokenKey


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """How often keys are fetched, how long they serve, and what an answer may cost."""

    refresh_s: float = 300.0
    """REALTIME_JWKS_REFRESH_S by default: issuers publish a key long before they sign with it."""
    longest_age_s: float = 3600.0
    """REALTIME_JWKS_MAX_AGE_S by default: an issuer that is down for an hour is no blip."""
    overlap_s: float = 600.0
    """Two fetches: machines of an issuer may disagree for a while, and tokens outlive their key."""
    cool_down_s: float = 30.0
    """An unknown key id is cheap to invent: it may cost the issuer no more than two fetches a
    minute."""
    timeout_s: float = 5.0
    """Nothing waits for it, and an issuer that answers at all does so sooner."""
    max_bytes: int = 256 * 1024
    """Hundreds of keys; an issuer has a handful."""


@dataclass(frozen=True, slots=True)
class _RetiredKey:
    key: TokenKey
    until_s: float


class KeyRing:
    """Keys by their id. `now_s` is a monotonic clock's, the same one in every call."""

    def __init__(self, limits: KeyLimits) -> None:
        self._limits = limits
        self._current: dict[str, TokenKey] = {}
        self._retired: dict[str, _RetiredKey] = {}
        self._fetched_s: float | None = None

    def replace(self, keys: Mapping[str, TokenKey], *, now_s: float) -> None:
        """Take `keys` as the issuer's, and let those that are gone serve for the overlap."""
        until_s = now_s + self._limits.overlap_s
        withdrawn = {
            key_id: _RetiredKey(key, until_s)
            for key_id, key in self._current.items()
            if key_id not in keys
        }
        still_served = {
            key_id: retired
            for key_id, retired in self._retired.items()
            if key_id not in keys and now_s < retired.until_s
        }
        self._current, self._retired = dict(keys), still_served | withdrawn
        self._fetched_s = now_s

    @property
    def fetched_s(self) -> float | None:
        """When the keys were fetched last, None before the first time."""
        return self._fetched_s

    def is_usable(self, *, now_s: float) -> bool:
        """Tell whether keys were fetched, and recently enough to be trusted."""
        return self._fetched_s is not None and now_s - self._fetched_s < self._limits.longest_age_s

    def find(self, key_id: str, *, now_s: float) -> TokenKey | None:
        """Return the key if it may check a signature now."""
        if not self.is_usable(now_s=now_s):
            return None
        key = self._current.get(key_id)
        if key is not None:
            return key
        retired = self._retired.get(key_id)
        return retired.key if retired is not None and now_s < retired.until_s else None
