"""Amounts as people read them."""

from typing import Final

_STEPS: Final = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
"""Binary units, as Redis and the settings count them."""


def size_text(size_bytes: float) -> str:
    """Return a size, like `1.5 MiB`."""
    for step, unit in _STEPS:
        if size_bytes >= step:
            return f"{size_bytes / step:.1f} {unit}"
    return f"{size_bytes:.0f} B"


def duration_text(spent_ms: float) -> str:
    """Return a length of time, like `340 ms`, `12 s` or `3 h 20 min`."""
    if spent_ms < 1000:
        return f"{spent_ms:.0f} ms"
    if spent_ms < 10_000:
        return f"{spent_ms / 1000:.1f} s"
    minutes, seconds = divmod(round(spent_ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
