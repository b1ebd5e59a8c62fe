"""What a signed token must say, and in which types.

A signature proves who wrote the claims, not that they are sane: an `exp` that is a text or
1e308 would crash or outlive a timer, a `sub` with a colon would reach into another key. So
each type is checked exactly, a boolean is no number, and nothing is converted.

Where each claim stands is the mapping's to say (fanwire/auth/claim_mapping.py). A missing list of
services or properties grants nothing, if the mapping has no default for it. `"*"` grants all.

Fractions of a second are rounded down, since RFC 7519 allows issuers to send them, and whole
seconds keep every later comparison exact.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from fanwire.auth.claim_mapping import ClaimMapping, Granted
from fanwire.auth.claim_paths import Absent, claim_at
from fanwire.auth.grants import is_plain_text, read_properties, read_services
from fanwire.auth.token_size import DEFAULT_TOKEN_BYTES
from fanwire.core.ids import Org, UserId, id_fault, is_valid_id
from fanwire.errors import Unauthorized

MAX_LEEWAY_S: Final = 10
"""Machines that run NTP differ by far less; every second of it lengthens an expired token's
life."""

DEFAULT_LEEWAY_S: Final = 5
"""REALTIME_JWT_LEEWAY_S by default: far more than clocks differ that are set by NTP."""

MAX_LIFE_S: Final = 24 * 60 * 60
"""A day: a stolen token serves no longer, and no revocation has to be kept for longer."""


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """Whose tokens, meant for whom, and for how long at most."""

    issuer: str
    audience: str
    leeway_s: int = MAX_LEEWAY_S
    longest_life_s: int = MAX_LIFE_S
    mapping: ClaimMapping = field(default_factory=ClaimMapping)
    max_bytes: int = DEFAULT_TOKEN_BYTES
    """Of the token itself, before anything in it is looked at."""

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
    services: Granted
    properties: Granted
    publish: bool
    exp_ms: int
    iat_s: int
    jti: str

    def may_receive(self, service: str) -> bool:
        """Tell whether the token lists `service`."""
        return self.services is None or service in self.services


def read_claims(
    payload: Mapping[str, object], rules: ClaimRules, *, signed: bytes, now_s: float
) -> Claims:
    """Return the claims of a payload whose signature is good. `now_s` is the wall clock.

    `signed` is what the signature was made of: a token without an id is known by it.

    Raises:
        Unauthorized: If a claim is missing, of a wrong type, or not (or no longer) valid.
    """
    mapping = rules.mapping
    _check_issuer(payload, rules.issuer)
    _check_audience(payload, rules.audience, mapping.client)
    expires_s, issued_s = _lifetime(payload, rules, now_s)
    return Claims(
        org=Org(_id(payload, mapping.org, default=mapping.defaults.org)),
        sub=UserId(_id(payload, mapping.user)),
        services=read_services(payload, mapping),
        properties=read_properties(payload, mapping),
        publish=_flag(payload, mapping.publish),
        exp_ms=expires_s * 1000,
        iat_s=issued_s,
        jti=_token_id(payload, signed, is_optional=mapping.token_id_is_optional),
    )


def claim_checks(
    payload: Mapping[str, object], rules: ClaimRules, *, signed: bytes, now_s: float
) -> Iterator[Callable[[], object]]:
    """Yield the checks of `read_claims` one by one, so that all that is wrong can be told.

    Each raises Unauthorized if what it looks at is wrong. Several may say the same.
    """
    mapping = rules.mapping
    yield lambda: _check_issuer(payload, rules.issuer)
    yield lambda: _check_audience(payload, rules.audience, mapping.client)
    yield lambda: _whole_seconds(payload, "exp")
    yield lambda: _whole_seconds(payload, "iat")
    yield lambda: _lifetime(payload, rules, now_s)
    yield lambda: _id(payload, mapping.org, default=mapping.defaults.org)
    yield lambda: _id(payload, mapping.user)
    yield lambda: read_services(payload, mapping)
    yield lambda: read_properties(payload, mapping)
    yield lambda: _flag(payload, mapping.publish)
    yield lambda: _token_id(payload, signed, is_optional=mapping.token_id_is_optional)


def _check_issuer(payload: Mapping[str, object], ours: str) -> None:
    if payload.get("iss") != ours:
        raise Unauthorized("iss is not our issuer")


def _check_audience(payload: Mapping[str, object], ours: str, stand_in: str | None) -> None:
    # Only where there is no `aud` at all: one that names another must not be passed by.
    if stand_in is not None and "aud" not in payload:
        if payload.get(stand_in) != ours:
            raise Unauthorized(f"{stand_in} does not name us, and there is no aud")
        return
    audience = payload.get("aud")
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
    if type(seconds) is float:
        seconds = math.floor(seconds)
    if type(seconds) is not int or seconds.bit_length() > 53:
        raise Unauthorized(f"{name} is missing or no number of seconds")
    return seconds


def _id(payload: Mapping[str, object], name: str, *, default: str | None = None) -> str:
    value = claim_at(payload, name)
    if isinstance(value, Absent):
        if default is None:
            raise Unauthorized(f"the claim {name} is missing")
        return default
    if not isinstance(value, str) or not is_valid_id(value):
        raise Unauthorized(f"the claim {name} {id_fault(value)}")
    return value


def _token_id(payload: Mapping[str, object], signed: bytes, *, is_optional: bool) -> str:
    if is_optional and "jti" not in payload:
        # Not of the whole token: who has one signed by ES256 can write its signature in a second
        # way, which is as good and would have another hash.
        return hashlib.sha256(signed).hexdigest()
    value = payload.get("jti")
    # A revocation spells `sub@iat` beside token ids; a token id with an @ could pass for one.
    if not is_plain_text(value) or "@" in value:
        raise Unauthorized("jti is missing or not a plain text without @")
    return value


def _flag(payload: Mapping[str, object], name: str) -> bool:
    value = claim_at(payload, name)
    if isinstance(value, Absent):
        return False
    if not isinstance(value, bool):
        raise Unauthorized(f"the claim {name} is neither true nor false")
    return value
