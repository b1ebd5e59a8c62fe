"""When a subscriber fetches a fresh token for an open socket."""

from typing import Final

SHARE: Final = 0.8
"""What is left after it is for further tries."""

SPREAD: Final = 0.05
"""Tokens issued together are refreshed over a tenth of their life."""

SOONEST_MS: Final = 1000
"""With a clock that is ahead, refreshing at once would be a loop."""


def refresh_in_ms(left_ms: float, chance: float) -> float:
    """Return when to refresh a token that holds for another `left_ms`.

    At four fifths of what is left, so that several tries fit in; spread by a twentieth each
    way, since tokens issued together would all be refreshed together. Never at once: with a
    clock that is ahead of the server's, that would be a loop.
    """
    return max(left_ms * SHARE * (1 + SPREAD * (2 * chance - 1)), SOONEST_MS)
