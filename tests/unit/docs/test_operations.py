"""The runbook names commands, settings and places that exist."""

import re
from typing import Final

import pytest
import typer.main
from typer.core import TyperGroup

from docs.generate import SETTINGS_PAGE
from fanwire.cli.app import VERBS, app
from fanwire.cli.lazy_verbs import imported
from tests.support.source_tree import CHECKOUT

PAGE: Final = CHECKOUT / "docs/operations.md"
TEXT: Final = PAGE.read_text(encoding="utf-8")
COMMANDS: Final = sorted({*re.findall(r"`fanwire ([a-z][^`]*)`", TEXT)})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_runbook_exists_with_its_options(command: str) -> None:
    everything = typer.main.get_command(app)
    first, *words = command.split()
    found = imported(next(verb for verb in VERBS if verb.name == first))
    while isinstance(found, TyperGroup) and words[:1] and words[0] in found.commands:
        found = found.commands[words.pop(0)]
    known = {option for each in (found, everything) for p in each.params for option in p.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_every_setting_of_the_runbook_exists() -> None:
    named = {*re.findall(r"`((?:REALTIME|GATEWAY|FANOUT)_[A-Z_]+)`", TEXT)}
    settings = SETTINGS_PAGE.read_text(encoding="utf-8")
    assert named
    assert [name for name in sorted(named) if f"`{name}`" not in settings] == []


def test_every_link_of_the_runbook_leads_somewhere() -> None:
    headings = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        file, _, anchor = target.partition("#")
        assert not file or (PAGE.parent / file).exists(), target
        assert file or anchor in anchors, target
