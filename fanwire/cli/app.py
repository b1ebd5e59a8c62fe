"""The verbs, and the options that they share."""

from typing import Annotated

import typer

from fanwire.cli.bench.verb import bench
from fanwire.cli.context import Context
from fanwire.cli.doctor.verb import doctor
from fanwire.cli.output import Output
from fanwire.cli.verbs import (
    config,
    conns,
    dev,
    drain,
    errors,
    flags,
    pub,
    sub,
    token,
    top,
    topics,
    trace,
)

app = typer.Typer(
    name="fanwire",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 unauthorised.",
)


@app.callback()
def options(
    ctx: typer.Context,
    *,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="Plain text.")] = False,
    url: Annotated[str | None, typer.Option(help="Gateway, like ws://127.0.0.1:8000.")] = None,
    redis: Annotated[str | None, typer.Option(help="Redis, like redis://127.0.0.1.")] = None,
    timeout: Annotated[float, typer.Option(help="Longest wait for a server, in s.", min=0.1)] = 10,
) -> None:
    """Publish events to Redis, see them in every browser.

    The options here may stand before or after the verb. Without --redis and --url the
    verbs find a running `fanwire dev`.
    """
    ctx.obj = Context(
        Output(json=json, color=not no_color), url=url, redis_url=redis, timeout_s=timeout
    )


app.command()(dev.dev)
app.command()(pub.pub)
app.command()(sub.sub)
app.command()(bench)
app.command()(top.top)
app.command()(trace.trace)
app.command()(doctor)
app.command()(drain.drain)
app.command()(errors.errors)
app.add_typer(token.app, name="token")
app.add_typer(flags.app, name="flags")
app.add_typer(topics.app, name="topics")
app.add_typer(conns.app, name="conns")
app.add_typer(config.app, name="config")
