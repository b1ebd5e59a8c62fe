"""A key, and the algorithms by which it may check a signature.

Both are settled before a token is seen: by REALTIME_JWT_ALGORITHMS, and by what the key is. The
`alg` of a token picks one of them and never adds to them. So a published key cannot be taken for
a secret, and a curve checks with its own hash alone.

Rejected: one algorithm for each key. A secret may sign HS256 and HS512 while an issuer changes
from one to the other, and many issuers publish RSA keys without saying which hash they use.
"""

from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from typing import Final

from jwt import PyJWK
from jwt.algorithms import get_default_algorithms
from jwt.exceptions import PyJWTError

from fanwire.auth.compact_token import CompactToken
from fanwire.errors import Unauthorized
from fanwire.token_algorithms import least_secret_bytes

_BY_KIND: Final[Mapping[str, frozenset[str]]] = {
    "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "EC P-256": frozenset({"ES256"}),
    "EC P-384": frozenset({"ES384"}),
    "EC P-521": frozenset({"ES512"}),
    "OKP Ed25519": frozenset({"EdDSA"}),
}
"""Public keys only. An `oct` of a JWKS is no key: every reader of it could sign with it."""

_ALGORITHMS: Final = get_default_algorithms()


class TokenKey:
    """Made by the functions below, so that its algorithms fit it."""

    __slots__ = ("_algorithms", "_key")

    def __init__(self, key: PyJWK, algorithms: Collection[str]) -> None:
        self._key = key.key
        self._algorithms = {name: _ALGORITHMS[name] for name in sorted(algorithms)}

    @property
    def algorithms(self) -> frozenset[str]:
        """The names of the algorithms by which it checks."""
        return frozenset(self._algorithms)

    def check(self, token: CompactToken) -> None:
        """Raise Unauthorized unless this key has signed `token` by one of the algorithms."""
        algorithm = self._algorithms.get(token.algorithm)
        if algorithm is None:
            raise Unauthorized(f"the token's alg is not among {' '.join(self._algorithms)}")
        if not algorithm.verify(token.signed, self._key, token.signature):
            raise Unauthorized("the signature is wrong")


def secret_key(secret: bytes, algorithms: Collection[str]) -> TokenKey:
    """Return a shared secret as a key.

    Raises:
        ValueError: If it is shorter than the hash of one of the algorithms (RFC 7518, 3.2).
    """
    needed = least_secret_bytes(algorithms)
    if len(secret) < needed:
        raise ValueError(f"REALTIME_JWT_SECRET has {len(secret)} bytes, at least {needed} needed")
    fields = {"kty": "oct", "k": urlsafe_b64encode(secret).decode("ascii")}
    return TokenKey(PyJWK(fields, algorithm="HS256"), algorithms)


def public_key(fields: Mapping[str, object], accepted: Collection[str]) -> TokenKey | None:
    """Return a key of a JWKS, None if it can check none of the accepted algorithms."""
    named = (
        accepted if "alg" not in fields else [name for name in accepted if name == fields["alg"]]
    )
    algorithms = _of_kind(fields).intersection(named)
    if not algorithms:
        return None
    try:
        key = PyJWK(dict(fields), algorithm=min(algorithms))
    except (PyJWTError, TypeError, ValueError):
        return None
    is_weak = key.Algorithm.check_key_length(key.key) is not None
    return None if is_weak else TokenKey(key, algorithms)


def _of_kind(fields: Mapping[str, object]) -> frozenset[str]:
    kind = str(fields.get("kty"))
    return _BY_KIND.get(kind) or _BY_KIND.get(f"{kind} {fields.get('crv')}") or frozenset()
