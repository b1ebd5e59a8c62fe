"""A token taken apart, before anything in it is believed.

Its size is checked first, so that no later step can be made expensive. The shape allows no
second spelling of the same token: no padding, no blanks, no spare bits in the last character.

The header is read for three things only: which algorithm the token claims, to be found
among the key's own; which key it names, as a key of a dictionary and never of a path or URL;
and whether it asks for something that we do not do. A key that it brings along (`jwk`, `jku`,
`x5u`, `x5c`) is not even looked at.

Rejected: `jwt.decode` of PyJWT, whose algorithms check the signature afterwards. It accepts
padding, repeated keys, any `typ` and any size, so all of this would stand before it all the
same; and it walks the token in a Python loop, which alone costs twice the whole check.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Final

from fanwire.auth.token_size import DEFAULT_TOKEN_BYTES
from fanwire.errors import Unauthorized
from fanwire.wire.strict_json import NotStrictJson, parse_object

_SHAPE: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)").fullmatch
_ACCESS_TOKEN_TYPES: Final = frozenset({"jwt", "at+jwt"})


@dataclass(frozen=True, slots=True)
class CompactToken:
    """The parts of a token whose signature is still to be checked."""

    algorithm: str
    key_id: str | None
    signed: bytes
    signature: bytes
    payload: bytes


def parse_compact(token: str, *, max_bytes: int = DEFAULT_TOKEN_BYTES) -> CompactToken:
    """Take `token` apart, if it has at most `max_bytes`.

    Raises:
        Unauthorized: If it is not a token of a kind that we accept.
    """
    if len(token) > max_bytes:
        raise Unauthorized(f"the token has {len(token)} bytes, at most {max_bytes}")
    shape = _SHAPE(token)
    if shape is None:
        raise Unauthorized("the token is not three base64url segments")
    header_segment, payload_segment, signature_segment = shape.groups()
    header = token_object(_decoded(header_segment), what="header")
    _refuse_extensions(header)
    return CompactToken(
        algorithm=_algorithm(header),
        key_id=_key_id(header),
        signed=token[: shape.end(2)].encode("ascii"),
        signature=_decoded(signature_segment),
        payload=_decoded(payload_segment),
    )


def token_object(text: bytes, *, what: str) -> dict[str, object]:
    """Return the JSON object in a segment; raises Unauthorized."""
    try:
        return parse_object(text)
    except NotStrictJson as error:
        raise Unauthorized(f"the token's {what}: {error}") from None


def _decoded(segment: str) -> bytes:
    try:
        decoded = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise Unauthorized("a segment of the token has an impossible length") from None
    if urlsafe_b64encode(decoded).rstrip(b"=") != segment.encode("ascii"):
        raise Unauthorized("a segment of the token has spare bits")
    return decoded


def _refuse_extensions(header: dict[str, object]) -> None:
    # We understand no extension, so every critical one is one that we do not understand.
    for name in ("crit", "b64"):
        if name in header:
            raise Unauthorized(f"the token's header has {name}")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _ACCESS_TOKEN_TYPES:
        raise Unauthorized("the token is of another typ than JWT or at+jwt")


def _algorithm(header: dict[str, object]) -> str:
    algorithm = header.get("alg")
    if not isinstance(algorithm, str):
        raise Unauthorized("the token's alg is missing or not a text")
    return algorithm


def _key_id(header: dict[str, object]) -> str | None:
    if "kid" not in header:
        return None
    key_id = header["kid"]
    if not isinstance(key_id, str):
        raise Unauthorized("the token's kid is not a text")
    return key_id
