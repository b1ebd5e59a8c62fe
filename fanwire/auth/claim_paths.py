"""Where in a token a claim is found.

A name is tried whole first, at each level, and then by its parts: `app_metadata.org_id`,
`organization.0`. So a name that is a URL, with the dots of its host, is found as it is written,
and so is what lies under it. The longest key that a token has wins.

Rejected: JSONPath. It has wildcards and filters, so that a path may find several values, and
which of them decides about rights would be a guess.
"""

from collections.abc import Iterator
from typing import Final

MAX_NAME_LENGTH: Final = 255
"""As long as a namespaced claim gets at a provider; a longer one is a value in the wrong place."""


class Absent:
    """What is found where a token has no such claim; null is a value."""


ABSENT: Final = Absent()


def claim_at(claims: object, name: str) -> object:
    """Return the claim of that name, or ABSENT."""
    if isinstance(claims, list):
        return _element(claims, name)
    if not isinstance(claims, dict):
        return ABSENT
    if name in claims:
        return claims[name]
    for key, rest in _splits(name):
        if key in claims:
            return claim_at(claims[key], rest)
    return ABSENT


def claim_name_problem(name: str) -> str | None:
    """Return what is wrong with the name of a claim, None if nothing is."""
    if len(name) > MAX_NAME_LENGTH:
        return f"must have at most {MAX_NAME_LENGTH} characters"
    if not name.isprintable() or " " in name:
        return "must have no blanks and no control characters"
    if name.startswith(".") or name.endswith("."):
        return "must not begin or end with a dot"
    return None


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """Yield each key that `name` may begin with, the longest first, and what follows it."""
    at = name.rfind(".")
    while at > 0:
        yield name[:at], name[at + 1 :]
        at = name.rfind(".", 0, at)


def _element(values: list[object], name: str) -> object:
    index, _, rest = name.partition(".")
    # Not `isdigit` alone: it takes digits of every script, and int() some of them.
    if not (index.isascii() and index.isdigit()) or int(index) >= len(values):
        return ABSENT
    found = values[int(index)]
    return claim_at(found, rest) if rest else found
