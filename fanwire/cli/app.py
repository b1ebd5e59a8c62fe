"""The verbs, and the options that they share."""

from typing import Annotated, Final

import typer

from fanwire.cli.context import Context
from fanwire.cli.lazy_verbs import Verb, lazy_group
from fanwire.cli.output import Output

_VERBS: Final = "fanwire.cli.verbs"

VERBS: Final = (
    Verb(
        "dev",
        f"{_VERBS}.dev:dev",
        "Run the whole stack: Valkey, a fanout worker, gateways, a demo producer.",
    ),
    Verb("pub", f"{_VERBS}.pub:pub", "Publish JSON to ORG's SERVICE."),
    Verb(
        "sub",
        f"{_VERBS}.sub:sub",
        "Print the events of SERVICES as they come; state changes go to stderr.",
    ),
    Verb(
        "bench",
        "fanwire.cli.bench.verb:bench",
        "Measure from publisher to subscriber, on this machine's clock.",
    ),
    Verb(
        "top",
        f"{_VERBS}.top:top",
        "Watch gateways, workers and the busiest topics; Ctrl-C ends it.",
    ),
    Verb(
        "trace",
        f"{_VERBS}.trace:trace",
        "Say where an event went: waiting, set aside, or committed, when and at what position.",
    ),
    Verb(
        "doctor",
        "fanwire.cli.doctor.verb:doctor",
        "Check Redis, workers, gateways and the way in, and say how to mend what is wrong.",
    ),
    Verb(
        "drain",
        f"{_VERBS}.drain:drain",
        "Have a gateway refuse new sockets and move those it has, each in a slot of its own.",
    ),
    Verb("errors", f"{_VERBS}.errors:errors", "Explain an error, or list all of them."),
    Verb("token", f"{_VERBS}.token:app", "Make and check tokens."),
    Verb(
        "flags",
        f"{_VERBS}.flags:app",
        "Switch realtime, or single services, off and on again.",
    ),
    Verb(
        "topics",
        f"{_VERBS}.topics:app",
        "List topics, of all orgs or of one: log, lag, window, dead letters.",
    ),
    Verb(
        "conns",
        f"{_VERBS}.conns:app",
        "List open sockets: user, gateway, services and property.",
    ),
    Verb("config", f"{_VERBS}.config:app", "Show, check and explain the servers' settings."),
)

app = typer.Typer(
    cls=lazy_group(VERBS),
    name="fanwire",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 unauthorised.",
)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        from importlib.metadata import version  # late: it is slow, and no other verb asks

        typer.echo(f"fanwire {version('fanwire')}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    *,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Plain text.")] = False,
    url: Annotated[str | None, typer.Option(help="Gateway, like ws://127.0.0.1:8000.")] = None,
    redis: Annotated[str | None, typer.Option(help="Redis, like redis://127.0.0.1.")] = None,
    timeout: Annotated[float, typer.Option(help="Longest wait for a server, in s.", min=0.1)] = 10,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_show_version,
            help="Show the version and exit.",
        ),
    ] = False,
) -> None:
    """Publish events to Redis, see them in every browser.

    The options here may stand before or after the verb. Without --redis and --url the
    verbs find a running `fanwire dev`.
    """
    ctx.obj = Context(
        Output(json=json, color=not no_color), url=url, redis_url=redis, timeout_s=timeout
    )
