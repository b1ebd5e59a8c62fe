"""`fanwire config`: what the servers are configured to, in the environment as it is here.

The settings are the servers' own, and the wheel holds none of them: each server is asked, by a
process in the same environment.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

import orjson
import typer

from fanwire.cli.context import context_of, environment
from fanwire.cli.dev.plan import CHECKOUT, NoCheckout
from fanwire.cli.mistakes import UsageMistake
from fanwire.cli.output import escaped
from fanwire.errors import RealtimeError

_PATIENCE_S: Final = 30.0
"""A server's imports, on a machine that is busy or has just been set up."""

app = typer.Typer(no_args_is_help=True, help="Show, check and explain the servers' settings.")


class ConfiguredServer(StrEnum):
    """A kind of process that is configured by its environment."""

    GATEWAY = "gateway"
    FANOUT = "fanout"


class WrongSettings(UsageMistake):
    """A server would not start in this environment."""

    name = "wrong_settings"
    remedy = "Mend the variable; `fanwire config docs` explains every one."


class NoReport(RealtimeError):
    """A server's code is here and does not run."""

    name = "no_report"
    retryable = False
    remedy = "Install the servers' needs: pip install -e '.[server]', or `make install`."


@dataclass(frozen=True, slots=True)
class SettingsReport:
    """What one process says of its settings."""

    server: ConfiguredServer
    head: str
    classes: Sequence[dict[str, Any]]

    @property
    def problem(self) -> str | None:
        """What the process would say and end with: it stops at the first."""
        return next((each["problem"] for each in self.classes if each["problem"]), None)


ForOption = Annotated[
    list[ConfiguredServer] | None, typer.Option("--for", help="One process; by default both.")
]


@app.command()
def show(
    ctx: typer.Context,
    *,
    server: ForOption = None,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only what the environment sets.")
    ] = False,
) -> None:
    """Print every setting with its value and its origin; secrets are hidden.

    Example:

        fanwire config show --changed
    """
    output, reports = context_of(ctx).output, _reports(server)
    settings = [
        each for each in _settings(reports) if not changed or each["origin"] == "environment"
    ]
    output.rows(
        settings,
        ("variable", "value", "origin"),
        [[each["variable"], _value(each["value"]), each["origin"]] for each in settings],
    )
    _refuse(reports)


@app.command()
def check(ctx: typer.Context, *, server: ForOption = None) -> None:
    """Say whether the servers would start in this environment; exit code 2 if not.

    Example:

        fanwire config check --for gateway
    """
    output, reports = context_of(ctx).output, _reports(server)
    for report in reports:
        if report.problem is None:
            fields = {"server": report.server, "ok": True}
            output.result(fields, f"{report.server:<8} its settings are good")
    _refuse(reports)


@app.command()
def docs(ctx: typer.Context) -> None:
    """Print docs/settings.md: every variable, its default and its meaning."""
    reports = _reports(None)
    sections = dict.fromkeys(each["section"] for report in reports for each in report.classes)
    typer.echo("\n".join([reports[0].head, *sections]), nl=False)


def _reports(servers: Sequence[ConfiguredServer] | None) -> list[SettingsReport]:
    return [_report(server) for server in servers or list(ConfiguredServer)]


def _report(server: ConfiguredServer) -> SettingsReport:
    if not (CHECKOUT / server).is_dir():
        raise NoCheckout("the settings are the servers', which only a checkout or an image has")
    command = [sys.executable, "-m", f"{server}.settings_report"]
    try:
        ran = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=dict(environment()),
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NoReport(f"{server} gave no answer within {_PATIENCE_S:g} s") from None
    if ran.returncode:
        said = ran.stderr.decode(errors="replace").strip().splitlines()
        raise NoReport(f"{server} could not be asked: {said[-1] if said else 'no word'}")
    answer = orjson.loads(ran.stdout)
    return SettingsReport(server, answer["head"], answer["classes"])


def _settings(reports: Sequence[SettingsReport]) -> Iterator[dict[str, Any]]:
    told: set[str] = set()
    for report in reports:
        for each in report.classes:
            # Both servers read what is common to them.
            if each["name"] not in told:
                told.add(each["name"])
                yield from each["settings"]


def _refuse(reports: Sequence[SettingsReport]) -> None:
    problems = [f"{each.server}: {each.problem}" for each in reports if each.problem]
    if problems:
        raise WrongSettings("; ".join(problems))


def _value(value: object) -> str:
    match value:
        case None | "":
            return "[dim]-[/dim]"
        case bool():
            return str(value).lower()
        case _:
            return escaped(str(value))
