"""All that is wrong with a token at once, for who makes it or issues it.

A gateway ends at the first fault and tells it to its log alone, since it would tell an attacker how
far he got. Here the same checks run to the end.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from fanwire.auth.claims import ClaimRules, claim_checks
from fanwire.auth.compact_token import parse_compact, token_object
from fanwire.auth.token_key import TokenKey
from fanwire.errors import Unauthorized

FindKey = Callable[[str | None], TokenKey]
"""Returns the key that a token names; raises Unauthorized."""


@dataclass(frozen=True, slots=True)
class TokenFindings:
    """What a token says, as far as it can be read, and why a gateway would refuse it."""

    payload: Mapping[str, object]
    faults: tuple[str, ...]
    """Empty for a token that is accepted."""


def find_faults(token: str, find_key: FindKey, rules: ClaimRules, *, now_s: float) -> TokenFindings:
    """Look for all that is wrong with a token. `now_s` is the wall clock."""
    faults = list(_causes([lambda: parse_compact(token, max_bytes=rules.max_bytes)]))
    try:
        # One that is too long, and nothing else, is looked into all the same.
        compact = parse_compact(token, max_bytes=len(token))
        payload = token_object(compact.payload, what="payload")
    except Unauthorized as refusal:
        return _findings({}, [*faults, refusal.cause])
    faults += _causes([lambda: find_key(compact.key_id).check(compact)])
    faults += _causes(claim_checks(payload, rules, signed=compact.signed, now_s=now_s))
    return _findings(payload, faults)


def _causes(checks: Iterable[Callable[[], object]]) -> Iterator[str]:
    for check in checks:
        try:
            check()
        except Unauthorized as refusal:
            yield refusal.cause


def _findings(payload: Mapping[str, object], faults: Iterable[str]) -> TokenFindings:
    return TokenFindings(payload, tuple(dict.fromkeys(faults)))
