"""`fanwire conns`: the sockets of all gateways."""

from typing import Annotated

import typer

from fanwire.cli.context import Context, context_of
from fanwire.cli.inspect.connections import OpenConnection, read_connections
from fanwire.cli.inspect.nodes import beating, read_gateways
from fanwire.cli.org_or_verb import OrgOption, OrgOrVerb, org_of
from fanwire.cli.output import escaped
from fanwire.cli.redis_calls import asked
from fanwire.cli.verbs import conns_kick
from fanwire.core.ids import Org
from fanwire.core.keys import Keys

app = typer.Typer(cls=OrgOrVerb)
app.command("kick")(conns_kick.kick)


@app.callback(invoke_without_command=True)
def conns(
    ctx: typer.Context,
    *,
    org: OrgOption = None,
    user: Annotated[str | None, typer.Option(help="Of this user alone.")] = None,
    node: Annotated[str | None, typer.Option(help="On this gateway alone.")] = None,
    limit: Annotated[int, typer.Option(help="Show at most so many.", min=1)] = 1_000,
) -> None:
    """List open sockets: user, gateway, services and property.

    Examples:

        fanwire conns acme --user ada

        fanwire conns kick gw-1~Qz3kP0aVb1Yx
    """
    if ctx.invoked_subcommand is not None:
        return
    context = context_of(ctx)
    found = [
        each
        for each in _read(context, org_of(org))
        if user in (None, each.user) and node in (None, each.node)
    ]
    context.output.rows(
        [each.as_dict() for each in found[:limit]],
        ("connection", "user", "node", "services", "property"),
        [_row(each) for each in found[:limit]],
    )
    if not found:
        context.output.note("no open sockets")
    elif len(found) > limit:
        context.output.note(f"{len(found) - limit} more; --limit {len(found)} shows all")


def _read(context: Context, org: Org | None) -> list[OpenConnection]:
    keys = Keys(context.key_prefix())
    return asked(
        context,
        lambda client: list(
            read_connections(client, keys, org, beating(read_gateways(client, keys)))
        ),
    )


def _row(each: OpenConnection) -> list[str]:
    return [
        escaped(each.id),
        escaped(f"{each.org}/{each.user}"),
        escaped(each.node) if each.is_beating else f"[red]{escaped(each.node)}, silent[/red]",
        escaped(", ".join(each.services)) or "none",
        escaped(each.property_id or "all"),
    ]
