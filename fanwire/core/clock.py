"""The two clocks of a process. Policies read neither: what decides is given the time.

Monotonic time measures how long something took or may take. Wall time is for what other machines
and people compare: the expiry of a token, the time of a heartbeat.
"""

import time


def now_ms() -> float:
    """Return the monotonic time."""
    return time.monotonic() * 1000


def wall_ms() -> float:
    """Return the time since 1970; it may jump, so nothing is measured by it."""
    return time.time() * 1000  # noqa: TID251 (the one place that asks for it)
