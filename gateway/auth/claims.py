"""What a signed token must say, and in which types.

A signature proves who wrote the claims, not that they are sane: an `exp` that is a text or
1e308 would crash or outlive a timer, a `sub` with a colon would reach into another key. So
each type is checked exactly, a boolean is no number, and nothing is converted.

A missing list of services or properties grants nothing. `"*"` grants all.

Rejected: fractions in `exp` and `iat`. RFC 7519 allows them, but no issuer needs them here,
and whole seconds keep every later comparison exact.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeGuard

from fanwire.core.ids import Org, UserId, is_valid_id
from fanwire.errors import Unauthorized

MAX_LEEWAY_S: Final = 10
"""Machines that run NTP differ by far less; every second of it lengthens an expired token's
life."""

MAX_LIFE_S: Final = 24 * 60 * 60
"""A day: a stolen token serves no longer, and no revocation has to be kept for longer."""

MAX_TEXT_LENGTH: Final = 128
"""Room for a URN or two UUIDs; such texts go into keys and logs."""


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """Whose tokens, meant for whom, and for how long at most."""

    issuer: str
    audience: str
    leeway_s: int = MAX_LEEWAY_S
    longest_life_s: int = MAX_LIFE_S

    def __post_init__(self) -> None:
        if not self.issuer or not self.audience:
            raise ValueError("a token's issuer and audience must both be named")
        if not 0 <= self.leeway_s <= MAX_LEEWAY_S:
            raise ValueError(f"leeway of {self.leeway_s} s, allowed are 0 to {MAX_LEEWAY_S}")
        if not 0 < self.longest_life_s <= MAX_LIFE_S:
            raise ValueError(f"life of {self.longest_life_s} s, allowed are 1 to {MAX_LIFE_S}")


@dataclass(frozen=True, slots=True)
class Claims:
    """What the caller is, and may have. None stands for all."""

    org: Org
    sub: UserId
    services: frozenset[str] | None
    properties: frozenset[str] | None
    publish: bool
    exp_ms: int
    iat_s: int
    jti: str

    def may_receive(self, service: str) -> bool:
        """Tell whether the token lists `service`."""
        return self.services is None or service in self.services


def read_claims(payload: Mapping[str, object], rules: ClaimRules, *, now_s: float) -> Claims:
    """Return the claims of a payload whose signature is good. `now_s` is the wall clock.

    Raises:
        Unauthorized: If a claim is missing, of a wrong type, or not (or no longer) valid.
    """
    if payload.get("iss") != rules.issuer:
        raise Unauthorized("iss is not our issuer")
    _check_audience(payload.get("aud"), rules.audience)
    expires_s, issued_s = _lifetime(payload, rules, now_s)
    return Claims(
        org=Org(_id(payload, "org")),
        sub=UserId(_id(payload, "sub")),
        services=_names(payload, "services", _is_id),
        properties=_names(payload, "properties", _is_plain_text),
        publish=_flag(payload, "publish"),
        exp_ms=expires_s * 1000,
        iat_s=issued_s,
        jti=_token_id(payload),
    )


def _check_audience(audience: object, ours: str) -> None:
    listed = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(name, str) for name in listed) or ours not in listed:
        raise Unauthorized("aud does not name us")


def _lifetime(payload: Mapping[str, object], rules: ClaimRules, now_s: float) -> tuple[int, int]:
    expires_s, issued_s = _whole_seconds(payload, "exp"), _whole_seconds(payload, "iat")
    starts_s = _whole_seconds(payload, "nbf") if "nbf" in payload else issued_s
    if now_s >= expires_s + rules.leeway_s:
        raise Unauthorized(f"expired {now_s - expires_s:.0f} s ago")
    if max(issued_s, starts_s) > now_s + rules.leeway_s:
        raise Unauthorized("iat or nbf lies in the future")
    if not 0 < expires_s - issued_s <= rules.longest_life_s:
        raise Unauthorized(f"lives longer than {rules.longest_life_s} s, or not at all")
    return expires_s, issued_s


def _whole_seconds(payload: Mapping[str, object], name: str) -> int:
    seconds = payload.get(name)
    # `type`, not `isinstance`: True would pass for 1.
    if type(seconds) is not int or seconds.bit_length() > 53:
        raise Unauthorized(f"{name} is missing or not whole seconds")
    return seconds


def _id(payload: Mapping[str, object], name: str) -> str:
    value = payload.get(name)
    if not _is_id(value):
        raise Unauthorized(f"{name} is missing or not an id")
    return value


def _token_id(payload: Mapping[str, object]) -> str:
    value = payload.get("jti")
    # A revocation spells `sub@iat` beside token ids; a token id with an @ could pass for one.
    if not _is_plain_text(value) or "@" in value:
        raise Unauthorized("jti is missing or not a plain text without @")
    return value


def _names(
    payload: Mapping[str, object], name: str, is_name: Callable[[object], TypeGuard[str]]
) -> frozenset[str] | None:
    value = payload.get(name, [])
    if value == "*":
        return None
    # An asterisk inside a list is a mistake for one in its place; to guess would widen rights.
    if not isinstance(value, list) or "*" in value or not all(map(is_name, value)):
        raise Unauthorized(f'{name} is neither "*" nor a list of names')
    return _shared(tuple(value))


@lru_cache(maxsize=512)
def _shared(names: tuple[str, ...]) -> frozenset[str]:
    # Ten thousand sockets of one app list the same few names: one set serves them all.
    return frozenset(names)


def _flag(payload: Mapping[str, object], name: str) -> bool:
    value = payload.get(name, False)
    if not isinstance(value, bool):
        raise Unauthorized(f"{name} is neither true nor false")
    return value


def _is_id(value: object) -> TypeGuard[str]:
    return is_valid_id(value)


def _is_plain_text(value: object) -> TypeGuard[str]:
    # `isprintable` refuses control characters, bidirectional marks and lone surrogates.
    return isinstance(value, str) and 0 < len(value) <= MAX_TEXT_LENGTH and value.isprintable()
