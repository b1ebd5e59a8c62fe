"""Verbs that are imported when they are run.

`fanwire --help` needs a name and a line of each, and `fanwire pub` nothing of the others: to
import all of them takes three times as long as to publish.

Rejected: late imports inside every verb. A module that says what it needs is worth more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb, or a group of verbs."""

    name: str
    home: str
    """Its module, a colon, and its function or Typer app there."""
    summary: str
    """The first sentence of its own help, which a test compares."""

    @property
    def module(self) -> str:
        """Where it is."""
        return self.home.partition(":")[0]


def lazy_group(verbs: Iterable[Verb]) -> type[TyperGroup]:
    """Return the group of these verbs, in this order, for `typer.Typer(cls=…)`."""
    known = {verb.name: verb for verb in verbs}

    class LazyVerbs(TyperGroup):
        """Holds a stand-in for each verb until that verb is run."""

        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.commands = {name: _stand_in(verb) for name, verb in known.items()}

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            verb = known.get(args[0])
            if verb is not None:
                self.commands[verb.name] = imported(verb)
            return super().resolve_command(ctx, args)

    return LazyVerbs


def imported(verb: Verb) -> Any:
    """Return the command that a verb is."""
    found = getattr(import_module(verb.module), verb.home.partition(":")[2])
    shelf = typer.Typer(add_completion=False, rich_markup_mode="rich")
    # Without a callback, Typer makes an app of a single command that command itself.
    shelf.callback()(lambda: None)
    if isinstance(found, typer.Typer):
        shelf.add_typer(found, name=verb.name)
    else:
        shelf.command(verb.name)(found)
    group: Any = typer.main.get_command(shelf)
    return group.commands[verb.name]


def _stand_in(verb: Verb) -> TyperCommand:
    return TyperCommand(verb.name, help=verb.summary)
