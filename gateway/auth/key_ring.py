"""The public keys of an issuer, as last fetched, and what may still be done with them.

A key that the issuer has withdrawn is accepted for an overlap, since tokens signed with it a
moment ago are still in browsers. Keys that could not be fetched again for too long are all
refused: an issuer that called one back could not have told us.

Misses are not remembered. A list of unknown key ids would be a list that attackers fill.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from fanwire.wire.strict_json import parse_object

SIGNATURE_ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}
)
"""Never an HS: every reader of a public JWKS could sign with what stands in it."""


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """How often keys are fetched, how long they serve, and what an answer may cost."""

    refresh_s: float = 300.0
    longest_age_s: float = 3600.0
    overlap_s: float = 600.0
    cool_down_s: float = 30.0
    timeout_s: float = 5.0
    max_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class _RetiredKey:
    key: PyJWK
    until_s: float


class KeyRing:
    """Keys by their id. `now_s` is a monotonic clock's, the same one in every call."""

    def __init__(self, limits: KeyLimits) -> None:
        self._limits = limits
        self._current: dict[str, PyJWK] = {}
        self._retired: dict[str, _RetiredKey] = {}
        self._fetched_s: float | None = None

    def replace(self, keys: Mapping[str, PyJWK], *, now_s: float) -> None:
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

    def is_usable(self, *, now_s: float) -> bool:
        """Tell whether keys were fetched, and recently enough to be trusted."""
        return self._fetched_s is not None and now_s - self._fetched_s < self._limits.longest_age_s

    def find(self, key_id: str, *, now_s: float) -> PyJWK | None:
        """Return the key if it may check a signature now."""
        if not self.is_usable(now_s=now_s):
            return None
        key = self._current.get(key_id)
        if key is not None:
            return key
        retired = self._retired.get(key_id)
        return retired.key if retired is not None and now_s < retired.until_s else None


def usable_keys(document: bytes) -> dict[str, PyJWK]:
    """Return the signature keys of a JWKS by their id, leaving out what we cannot use.

    Raises:
        NotStrictJson: If the document is not a JSON object.
    """
    listed = parse_object(document).get("keys")
    keys = (_usable_key(fields) for fields in listed) if isinstance(listed, list) else ()
    return {key.key_id: key for key in keys if key is not None and key.key_id is not None}


def _usable_key(fields: object) -> PyJWK | None:
    if not isinstance(fields, dict) or fields.get("use", "sig") != "sig":
        return None
    if not isinstance(fields.get("kid"), str):
        return None
    if "alg" in fields and not _is_ours(fields["alg"]):
        return None
    if "d" in fields:
        # A private key that was published is everybody's.
        return None
    try:
        key = PyJWK(fields)
    except (PyJWTError, TypeError, ValueError):
        # One key of a new kind must not cost us the others.
        return None
    # Without `alg`, the library has chosen one by the curve, perhaps one of those left out.
    if not _is_ours(key.algorithm_name) or key.Algorithm.check_key_length(key.key):
        return None
    return key


def _is_ours(algorithm: object) -> bool:
    return isinstance(algorithm, str) and algorithm in SIGNATURE_ALGORITHMS
