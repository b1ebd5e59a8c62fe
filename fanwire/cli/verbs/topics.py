"""`fanwire topics`: where every topic stands."""

import typer

from fanwire.cli.context import context_of
from fanwire.cli.format import duration_text, size_text
from fanwire.cli.inspect.topic_states import TopicState, find_topics, read_states
from fanwire.cli.org_or_verb import OrgOption, OrgOrVerb, org_of
from fanwire.cli.redis_calls import asked
from fanwire.cli.verbs import topics_dead
from fanwire.core.keys import Keys

app = typer.Typer(cls=OrgOrVerb)
app.command("dead")(topics_dead.dead)
app.command("replay-dead")(topics_dead.replay_dead)


@app.callback(invoke_without_command=True)
def topics(ctx: typer.Context, *, org: OrgOption = None) -> None:
    """List topics, of all orgs or of one: log, lag, window, dead letters.

    `lag` is what is published and not yet committed by a worker, and the age of the oldest of it.

    Examples:

        fanwire topics acme

        fanwire topics dead acme tasks
    """
    if ctx.invoked_subcommand is not None:
        return
    context, of_org = context_of(ctx), org_of(org)
    keys = Keys(context.key_prefix())
    states = asked(context, lambda c: list(read_states(c, keys, find_topics(c, keys, of_org))))
    if not states:
        context.output.note("nothing was ever published here")
    context.output.rows(
        [state.as_dict() for state in states],
        ("topic", "position", ">log", ">size", ">lag", ">oldest", ">window", ">dead"),
        [_row(state) for state in states],
    )


def _row(state: TopicState) -> list[str]:
    window = "-" if state.window_ms is None else f"{state.window_ms} ms"
    lag = f"{state.lag_events} events" if state.lag_events else "0"
    return [
        str(state.topic),
        state.position or "no worker yet",
        f"{state.log_batches} batches",
        size_text(state.log_bytes),
        f"[yellow]{lag}[/yellow]" if state.lag_events else lag,
        duration_text(state.lag_ms) if state.lag_events else "-",
        window,
        f"[red]{state.dead_letters}[/red]" if state.dead_letters else "0",
    ]
