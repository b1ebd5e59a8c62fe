"""By which algorithms a secret signs tokens, and how long it must be for them."""

from collections.abc import Iterable
from typing import Final

MIN_SECRET_BYTES: Final = 32
"""HS256 needs a key as long as its hash (RFC 7518, 3.2)."""

SECRET_ALGORITHMS: Final = ("HS256", "HS384", "HS512")


def least_secret_bytes(algorithms: Iterable[str]) -> int:
    """Return how long a secret must be for all of `algorithms`: as their hash (RFC 7518, 3.2).

    Raises:
        ValueError: If one of them is not for secrets.
    """
    needed = MIN_SECRET_BYTES
    for algorithm in algorithms:
        if algorithm not in SECRET_ALGORITHMS:
            raise ValueError(f"{algorithm} is not among {' '.join(SECRET_ALGORITHMS)}")
        needed = max(needed, int(algorithm.removeprefix("HS")) // 8)
    return needed
