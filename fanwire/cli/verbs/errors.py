"""`fanwire errors [CODE]`: what an error means and what to do about it."""

from typing import Annotated

import typer
from rich.table import Table

from fanwire.cli.context import context_of
from fanwire.cli.error_pages import errors_page, sorted_errors
from fanwire.cli.mistakes import UsageMistake
from fanwire.close_codes import meaning_of
from fanwire.errors import RealtimeError, shortened


def errors(
    ctx: typer.Context,
    code: Annotated[str | None, typer.Argument(help="A code like 4401, or a name.")] = None,
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print docs/errors.md.")] = False,
) -> None:
    """Explain an error, or list all of them."""
    output = context_of(ctx).output
    if markdown:
        typer.echo(errors_page(), nl=False)
        return
    found = [error for error in sorted_errors() if code in (None, error.name, str(error.code))]
    if not found:
        raise UsageMistake(f"no error has the code or name {shortened(code)}")
    if output.json:
        for error in found:
            output.result(_fields(error), "")
    else:
        output.console.print(_table(found))


def _fields(error: type[RealtimeError]) -> dict[str, object]:
    return {
        "code": error.code,
        "name": error.name,
        "httpStatus": error.http_status,
        "retryable": error.retryable,
        "meaning": meaning_of(error),
        "remedy": error.remedy,
    }


def _table(found: list[type[RealtimeError]]) -> Table:
    table = Table("code", "name", "retryable", "meaning", "remedy", box=None, pad_edge=False)
    for error in found:
        retryable = "yes" if error.retryable else "no"
        table.add_row(str(error.code), error.name, retryable, meaning_of(error), error.remedy)
    return table
