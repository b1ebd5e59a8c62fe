"""How long a token may be."""

from typing import Final

DEFAULT_TOKEN_BYTES: Final = 4_096
"""Ten times a usual token: room for long lists of services, and cheap to check all the same."""

LARGEST_TOKEN_BYTES: Final = 12_288
"""Room for the groups of a large company. Of the 16 KiB of a head that a gateway reads, it leaves
4 KiB for cookies and for what proxies add."""
