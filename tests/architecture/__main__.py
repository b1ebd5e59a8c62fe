"""`make architecture`: print the figures of the tree, and fail if a bound is broken."""

import sys

from tests.architecture.figures.report import OWED, all_figures


def main() -> int:
    """Print a line for each figure, and below a broken one what to mend."""
    broken = False
    for figure in all_figures():
        print(figure.line(), *([] if figure.is_kept else [verdict(figure.name)]))
        if not figure.is_kept:
            print("".join(f"    {breach}\n" for breach in figure.breaches), end="")
            broken = broken or figure.name not in OWED
    return 1 if broken else 0


def verdict(name: str) -> str:
    """Say of a broken figure whether it is known."""
    return f"owed: {OWED[name]}" if name in OWED else "BROKEN"


if __name__ == "__main__":
    sys.exit(main())
