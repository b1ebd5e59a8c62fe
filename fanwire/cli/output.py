"""What the verbs print: results on stdout, everything else on stderr.

With `--json` each result is one JSON object on a line of its own. Colours only on a
terminal. Text of others (ids, payloads) is printed without control characters, so that an
event cannot steer the terminal of its reader.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import orjson
from rich.console import Console
from rich.table import Table

from fanwire.errors import RealtimeError

_WIDE: Final = 1_000
"""Columns of what is no terminal: the reader of a file or a pipe wants whole lines."""


@dataclass(slots=True)
class Output:
    """Where a verb prints."""

    json: bool = False
    color: bool = True
    console: Console = field(init=False)
    notes: Console = field(init=False)

    def __post_init__(self) -> None:
        options = {"highlight": False, "soft_wrap": True, "emoji": False, "markup": True}
        no_color = None if self.color else True
        self.console = Console(no_color=no_color, **options)  # type: ignore[arg-type]
        if not self.console.is_terminal:
            self.console.width = _WIDE
        self.notes = Console(stderr=True, no_color=no_color, **options)  # type: ignore[arg-type]

    def result(self, fields: Mapping[str, object], text: str) -> None:
        """Print a result: its fields with `--json`, else its text."""
        if self.json:
            self.json_line(orjson.dumps(fields))
        else:
            self.console.print(text)

    def rows(
        self,
        objects: Iterable[Mapping[str, object]],
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
    ) -> None:
        """Print a list of results: an object a line with `--json`, else a table if there are any.

        A column whose name begins with `>` is aligned right.
        """
        if self.json:
            for fields in objects:
                self.json_line(orjson.dumps(fields))
        elif rows:
            self.console.print(table_of(columns, rows))

    def json_line(self, line: bytes) -> None:
        """Print one finished JSON object and pass it on at once."""
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()

    def note(self, text: str, **fields: object) -> None:
        """Print what is not a result, on stderr."""
        if self.json:
            sys.stderr.write(orjson.dumps(fields or {"note": text}).decode() + "\n")
            sys.stderr.flush()
        else:
            self.notes.print(text)

    def error(self, error: RealtimeError) -> None:
        """Print an error and its remedy."""
        text = f"[red]{error.name}[/red]  {escaped(str(error))}\n  {escaped(error.remedy)}"
        self.note(text, error=error.as_dict())


def table_of(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a plain table; a column whose name begins with `>` is aligned right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        justify: Literal["left", "right"] = "right" if name.startswith(">") else "left"
        table.add_column(name.removeprefix(">"), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def escaped(text: str) -> str:
    """Return foreign text, printable and without meaning to Rich; line breaks stay."""
    tame = "".join(char if char.isprintable() or char == "\n" else "�" for char in text)
    return tame.replace("[", r"\[")
