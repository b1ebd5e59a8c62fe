"""By which algorithms tokens are signed, and how long a secret must be for them."""

from collections.abc import Iterable
from typing import Final

MIN_SECRET_BYTES: Final = 32
"""HS256 needs a key as long as its hash (RFC 7518, 3.2)."""

SECRET_ALGORITHMS: Final = ("HS256", "HS384", "HS512")

PUBLIC_KEY_ALGORITHMS: Final = (
    *(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)),
    "EdDSA",
)
"""The families of RFC 7518, in the strengths that it defines, and of RFC 8037."""

SECRET_DEFAULT: Final = ("HS256",)
PUBLIC_DEFAULT: Final = ("RS256", "ES256")
"""What is accepted where REALTIME_JWT_ALGORITHMS is not set."""


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
