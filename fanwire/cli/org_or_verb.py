"""`fanwire topics acme` beside `fanwire topics dead acme tasks`.

A group whose first word is none of its verbs takes it for the org, as if it stood behind
`--org`. An org that is called like a verb needs the option.
"""

from typing import Annotated

import typer
from typer.core import TyperGroup

from fanwire.core.ids import Org, checked_org

OrgOption = Annotated[
    str | None, typer.Option("--org", metavar="ORG", help="Of this org alone; may stand bare.")
]


class OrgOrVerb(TyperGroup):
    """A group of verbs whose first word may be an org."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["--org", *args]
        return super().parse_args(ctx, args)


def org_of(given: str | None) -> Org | None:
    """Return the org that was named, if one was; raises InvalidId."""
    return None if given is None else checked_org(given)
