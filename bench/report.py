"""How a figure is shown: a line of a table for people, a line of JSON for programs."""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import orjson


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; `of_c_loop` is its share of the plain C loop in the same run."""

    name: str
    value: float
    unit: str
    of_c_loop: float | None = None
    goal: str = ""


def show(title: str, figures: Sequence[Figure]) -> None:
    """Print the figures of one benchmark as a table, then as one line of JSON."""
    rows = [("figure", "value", "of the C loop", "goal"), *map(_row, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    _say(f"\n{title}")
    for row in rows:
        _say("  " + "  ".join(map(str.ljust, row, widths)).rstrip())
    _say(orjson.dumps({"bench": title, "figures": [asdict(f) for f in figures]}).decode())


def _row(figure: Figure) -> tuple[str, str, str, str]:
    share = "" if figure.of_c_loop is None else f"{figure.of_c_loop:.2f}"
    return figure.name, f"{_legible(figure.value)} {figure.unit}", share, figure.goal


def _legible(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
