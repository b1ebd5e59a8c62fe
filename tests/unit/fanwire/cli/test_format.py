"""Amounts as people read them."""

import pytest

from fanwire.cli.format import duration_text, size_text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_572_864, "1.5 MiB"), (2**30, "1.0 GiB")],
)
def test_sizes(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text


@pytest.mark.parametrize(
    ("spent_ms", "text"),
    [
        (0, "0 ms"),
        (999.4, "999 ms"),
        (1_500, "1.5 s"),
        (42_000, "42 s"),
        (61_000, "1 min 1 s"),
        (12_000_000, "3 h 20 min"),
    ],
)
def test_durations(spent_ms: float, text: str) -> None:
    assert duration_text(spent_ms) == text
