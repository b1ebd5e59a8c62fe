"""`make architecture`: print the figures of the tree, and fail if a bound is broken."""

import sys

from tests.architecture.figures.report import all_figures


def main() -> int:
    """Print a line for each figure, and below a broken one what to mend."""
    figures = all_figures()
    for figure in figures:
        print(figure.line() if figure.is_kept else f"{figure.line()} BROKEN")
        if not figure.is_kept:
            print("".join(f"    {breach}\n" for breach in figure.breaches), end="")
    return 0 if all(figure.is_kept for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
