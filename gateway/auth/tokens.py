"""Who is calling: the token's place in a request, and the check of what it says.

A key fixes its algorithms (fanwire/auth/token_key.py), and a gateway has either one shared
secret or the public keys of a JWKS, so nothing in a token widens how it is checked. Every refusal
of a token has the same public text; the cause is for the log, since it would tell an attacker how
far he got.

Rejected: a cache of verified tokens. A check costs about 25 µs, a twentieth of a connect, and
a cache would have to forget at each expiry and each revocation.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, Protocol

from fanwire.auth.claims import ClaimRules, Claims, read_claims
from fanwire.auth.compact_token import parse_compact, token_object
from fanwire.auth.token_key import TokenKey, secret_key
from fanwire.errors import BadMessage, TokenInUrl, Unauthorized

SUBPROTOCOL: Final = "rt.v1"
TOKEN_PREFIX: Final = "rt.token."

_TOKEN_PARAMETERS: Final = frozenset(
    {"token", "access_token", "id_token", "auth", "authorization", "bearer", "jwt"}
)


class KeySource(Protocol):
    """Where the key comes from that a token names."""

    @property
    def problem(self) -> str | None:
        """Why no token can be checked now, None if tokens can be."""

    @property
    def age_s(self) -> float:
        """How old the keys are; of keys that never come, how long they have been awaited."""

    def find(self, key_id: str | None) -> TokenKey:
        """Return the key, which knows its algorithms; raises Unauthorized."""


class SharedSecret:
    """One secret. It has no id, so the one that a token may name is not looked at."""

    problem: str | None = None
    age_s = 0.0

    def __init__(self, secret: bytes, algorithms: Collection[str] = ("HS256",)) -> None:
        self._key = secret_key(secret, algorithms)

    def find(self, key_id: str | None) -> TokenKey:
        """Return the secret."""
        return self._key


class TokenVerifier:
    """Turns a token into claims, or refuses it. Holds no state of its own."""

    def __init__(self, keys: KeySource, rules: ClaimRules) -> None:
        self._keys = keys
        self._rules = rules

    @property
    def problem(self) -> str | None:
        """Why every token is refused for want of keys, None if there are keys."""
        return self._keys.problem

    @property
    def key_age_s(self) -> float:
        """How old the keys are; a secret never ages."""
        return self._keys.age_s

    def verify(self, token: str, *, now_s: float) -> Claims:
        """Return what `token` says. `now_s` is the wall clock, as tokens know no other.

        Raises:
            Unauthorized: If any check fails.
        """
        compact = parse_compact(token, max_bytes=self._rules.max_bytes)
        self._keys.find(compact.key_id).check(compact)
        # Only now is the payload read: what is not the issuer's never reaches the JSON parser.
        payload = token_object(compact.payload, what="payload")
        return read_claims(payload, self._rules, signed=compact.signed, now_s=now_s)


def extract_token(
    subprotocols: Sequence[str], authorization: str | None, *, query_has_token: bool
) -> str:
    """Return the token of a request: from its subprotocols, or its Authorization header.

    Raises:
        TokenInUrl: If the query has one, wherever else one may be.
        BadMessage: If `rt.v1` is not among the subprotocols offered, or two tokens differ.
        Unauthorized: If there is no token.
    """
    if query_has_token:
        raise TokenInUrl("the query has a token; its value was not logged")
    if subprotocols and SUBPROTOCOL not in subprotocols:
        raise BadMessage(f"none of the subprotocols offered is {SUBPROTOCOL}")
    offered = {
        name.removeprefix(TOKEN_PREFIX) for name in subprotocols if name.startswith(TOKEN_PREFIX)
    }
    in_header = bearer_token(authorization)
    if in_header is not None:
        offered.add(in_header)
    if len(offered) > 1:
        raise BadMessage("the request has two tokens that differ")
    if not offered:
        raise Unauthorized("no token")
    return offered.pop()


def echoed_subprotocol(subprotocols: Sequence[str]) -> str | None:
    """Return the subprotocol to accept: never the token, which proxies would log."""
    return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None


def only_authorization(values: Sequence[str]) -> str | None:
    """Return the one Authorization header of a request, None if it has none.

    Raises:
        BadMessage: If there are several: a proxy in front may have looked at another one.
    """
    if len(values) > 1:
        raise BadMessage("the request has two Authorization headers")
    return values[0] if values else None


def bearer_token(authorization: str | None) -> str | None:
    """Return the token of an Authorization header, None if it is of another scheme."""
    # Another scheme is no error: a proxy in front may use Basic for its own password.
    scheme, _, token = (authorization or "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def has_token_parameter(names: Iterable[str]) -> bool:
    """Tell whether a query names a parameter by which other servers take tokens."""
    return any(name.lower() in _TOKEN_PARAMETERS for name in names)
