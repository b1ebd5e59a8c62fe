"""`fanwire flags`: what is switched off while the system runs, and switching it.

The gateways read the flags of all orgs twice a second; those of one org when its bell says so.
What a deploy switches off by the environment is not shown and cannot be switched on here.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from fanwire.cli.context import Context, context_of
from fanwire.cli.mistakes import UsageMistake
from fanwire.cli.output import escaped
from fanwire.cli.redis_calls import asked
from fanwire.core.bell import FlagsChanged, encode_bell
from fanwire.core.ids import Org, checked_org
from fanwire.core.keys import Keys
from fanwire.core.switches import Switches, read_switches
from fanwire.errors import shortened

app = typer.Typer(help="Switch realtime, or single services, off and on again.")

OrgOption = Annotated[str | None, typer.Option("--org", help="Of this org, not of all.")]


@app.callback(invoke_without_command=True)
def flags(ctx: typer.Context, *, org: OrgOption = None) -> None:
    """List the flags of all orgs, and those of one org with --org."""
    if ctx.invoked_subcommand is not None:
        return
    context = context_of(ctx)
    found = asked(context, lambda client: list(_rows(client, context, _org(org))))
    for scope, field, value in found:
        _show(context, scope, field, value)
    if not found:
        context.output.note("nothing is switched off")


@app.command("set")
def set_flag(
    ctx: typer.Context,
    flag: Annotated[str, typer.Argument(help="`emergency`, or `disable:SERVICE`.")],
    state: Annotated[str, typer.Argument(help="`on` switches it off for the users.")],
    *,
    org: OrgOption = None,
) -> None:
    """Raise or lower a flag, and let the gateways know.

    Examples:

        fanwire flags set disable:analytics on

        fanwire flags set emergency off --org acme
    """
    if read_switches({flag: "on"}).not_understood:
        raise UsageMistake(f"a flag is emergency or disable:SERVICE, not {shortened(flag)}")
    if state not in ("on", "off"):
        raise UsageMistake(f"a flag is set on or off, not {shortened(state)}")
    context, of_org = context_of(ctx), _org(org)
    asked(context, lambda client: _set(client, context, of_org, flag, is_on=state == "on"))
    _show(context, of_org, flag, state)


def _set(client: Any, context: Context, org: Org | None, flag: str, *, is_on: bool) -> None:
    keys = Keys(context.key_prefix())
    key = keys.flags() if org is None else keys.org_flags(org)
    if is_on:
        client.hset(key, flag, "1")
    else:
        client.hdel(key, flag)
    if org is not None:
        client.execute_command("SPUBLISH", keys.bell(org), encode_bell(FlagsChanged()))


def _rows(client: Any, context: Context, org: Org | None) -> Iterator[tuple[Org | None, str, str]]:
    keys = Keys(context.key_prefix())
    for field, value in _fields(client.hgetall(keys.flags())):
        yield None, field, value
    if org is not None:
        for field, value in _fields(client.hgetall(keys.org_flags(org))):
            yield org, field, value


def _fields(found: Mapping[bytes, bytes]) -> list[tuple[str, str]]:
    decoded = {n.decode(errors="replace"): v.decode(errors="replace") for n, v in found.items()}
    return sorted(decoded.items())


def _show(context: Context, org: Org | None, field: str, value: str) -> None:
    read = read_switches({field: value})
    is_on = read.switches != Switches()
    told = "on" if is_on else "off"
    if read.not_understood:
        told = "[yellow]not understood, ignored[/yellow]"
    fields = {"org": org, "flag": field, "on": is_on, "understood": not read.not_understood}
    context.output.result(fields, f"{org or 'all orgs':<16} {escaped(field):<28} {told}")


def _org(given: str | None) -> Org | None:
    return None if given is None else checked_org(given)
