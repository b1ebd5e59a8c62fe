"""Draws a session's phases into docs/protocol.md from the table that the gateway runs by."""

from pathlib import Path
from typing import Final

from gateway.policy.session import NEXT_PHASE

BEGIN: Final = "<!-- phases: begin -->\n"
END: Final = "<!-- phases: end -->"


def phase_diagram() -> str:
    """Return the table of transitions as a Mermaid state diagram."""
    rows = [
        f"    {a.value} --> {b.value}: {happened.value}" for (a, happened), b in NEXT_PHASE.items()
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> joining", *rows, "```", ""])


def with_diagram(page: str) -> str:
    """Return `page` with the diagram between its markers."""
    head, _, rest = page.partition(BEGIN)
    return head + BEGIN + phase_diagram() + END + rest.partition(END)[2]


def write_diagram(page: Path) -> None:
    """Rewrite the page in place."""
    page.write_text(with_diagram(page.read_text()))
