"""Draws state machines into the pages from the tables that the gateway runs by."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from gateway.connection import phases
from gateway.flow_control import quarantine

_DOCS: Final = Path(__file__).parent
BEGIN: Final = "<!-- phases: begin -->\n"
END: Final = "<!-- phases: end -->"


@dataclass(frozen=True, slots=True)
class Diagram:
    """A table of transitions, and the page that shows it."""

    page: Path
    table: Mapping[Any, Enum]  # keyed by pairs of a phase and a sign
    first: Enum

    def drawn(self) -> str:
        """Return the table as a Mermaid state diagram."""
        rows = [f"    {a.value} --> {b.value}: {sign}" for a, b, sign in self._edges()]
        start = f"    [*] --> {self.first.value}"
        return "\n".join(["```mermaid", "stateDiagram-v2", start, *rows, "```", ""])

    def with_diagram(self, page: str) -> str:
        """Return `page` with the diagram between its markers."""
        head, _, rest = page.partition(BEGIN)
        return head + BEGIN + self.drawn() + END + rest.partition(END)[2]

    def write(self) -> None:
        """Rewrite the page in place."""
        self.page.write_text(self.with_diagram(self.page.read_text()))

    def _edges(self) -> list[tuple[Enum, Enum, str]]:
        # One arrow for all that leads the same way, or a table this dense could not be read.
        signs: dict[tuple[Enum, Enum], list[str]] = {}
        for (a, happened), b in self.table.items():
            signs.setdefault((a, b), []).append(str(happened.value))
        return [(a, b, ", ".join(found)) for (a, b), found in signs.items()]


DIAGRAMS: Final = (
    Diagram(_DOCS / "protocol.md", phases.NEXT_PHASE, phases.SessionPhase.JOINING),
    Diagram(_DOCS / "flow_control.md", quarantine.NEXT_PHASE, quarantine.QuarantinePhase.STEADY),
)
