"""An identity provider with a key of each kind, and the tokens that it signs."""

from collections.abc import Mapping
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from tests.support.jwks_stub import Jwk
from tests.support.signing import GOOD_CLAIMS

LONG_SECRET: Final = b"a secret of sixty-four bytes, which is what the hash of HS512 needs."

_RSA: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_KEYS: Final[Mapping[str, Any]] = {
    "RS": _RSA,
    "PS": _RSA,
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "HS": LONG_SECRET,
}


def issued(algorithm: str, claims: Mapping[str, object] = GOOD_CLAIMS) -> str:
    """Return a token signed by `algorithm` with the issuer's key for it."""
    return jwt.encode(
        dict(claims), _key_of(algorithm), algorithm=algorithm, headers={"kid": _key_id(algorithm)}
    )


def published_keys(*algorithms: str) -> list[Jwk]:
    """Return the issuer's public keys for these, none of which says its algorithm."""
    return list({_key_id(name): _published(name) for name in algorithms}.values())


def _published(algorithm: str) -> Jwk:
    public = _key_of(algorithm).public_key()
    fields: Jwk = get_default_algorithms()[algorithm].to_jwk(public, as_dict=True)
    fields = {name: value for name, value in fields.items() if name != "key_ops"}
    return fields | {"kid": _key_id(algorithm), "use": "sig"}


def _key_of(algorithm: str) -> Any:
    return _KEYS.get(algorithm) or _KEYS[algorithm[:2]]


def _key_id(algorithm: str) -> str:
    return {"RS": "rsa", "PS": "rsa"}.get(algorithm[:2], algorithm)
