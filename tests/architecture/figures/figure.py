"""One line of `make architecture`: what was measured, and the bound that it keeps."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Self


@dataclass(frozen=True, slots=True)
class TreeFigure:
    """A measurement of the tree. It is kept if `breaches` is within what its maker allowed."""

    name: str
    measured: str
    bound: str
    is_kept: bool
    breaches: tuple[str, ...] = ()
    """What to mend, each as `path:line name` or as an arrow."""

    @classmethod
    def counted(
        cls, name: str, breaches: Sequence[str], *, of: int | None = None, most: int = 0
    ) -> Self:
        """Return the figure of a count that may be at most `most`."""
        measured = f"{len(breaches)}" if of is None else f"{len(breaches)} of {of}"
        return cls(name, measured, f"≤ {most}", len(breaches) <= most, tuple(breaches))

    @classmethod
    def largest(cls, name: str, sizes: dict[str, int], *, most: int) -> Self:
        """Return the figure of the largest of some sizes."""
        place, size = max(sizes.items(), key=lambda item: item[1])
        above = tuple(f"{name} {count}" for name, count in sizes.items() if count > most)
        return cls(name, f"{size} ({place})", f"≤ {most}", not above, above)

    @classmethod
    def spread(cls, name: str, sizes: dict[str, int], *, most: int) -> Self:
        """Return median, 95th percentile and maximum of some sizes."""
        counts = list(sizes.values())
        p95 = quantiles(counts, n=20, method="inclusive")[-1]
        above = tuple(f"{name} {count}" for name, count in sizes.items() if count > most)
        measured = f"{median(counts):.0f} / {p95:.0f} / {max(counts)}"
        return cls(name, measured, f"max ≤ {most}", not above, above)

    def line(self) -> str:
        """Return the figure as a line of the report."""
        return f"{self.name:<44} {self.measured:<28} {self.bound}"
