"""`fanwire drain [URL]`: have a gateway move its sockets to the others."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import httpx
import typer

from fanwire.cli.context import Context, context_of
from fanwire.cli.mistakes import UsageMistake
from fanwire.cli.output import escaped
from fanwire.errors import RealtimeError, Unreachable, shortened

DEFAULT_URL: Final = "http://127.0.0.1:8001"

_LOOK_EVERY_S: Final = 0.3
"""A display that moves, of a drain that takes ten seconds by default."""


class NotAGateway(RealtimeError):
    """What answers there is no internal port of a gateway."""

    name = "not_a_gateway"
    retryable = False
    remedy = "Give the internal port, GATEWAY_INTERNAL_PORT (8001 unless set): it is one a process."


class DrainUnfinished(RealtimeError):
    """Sockets are still there when patience is over; the drain goes on."""

    name = "drain_unfinished"
    remedy = "Wait longer with --within: a drain takes GATEWAY_DRAIN_WINDOW_MS and its notice."


def drain(
    ctx: typer.Context,
    url: Annotated[
        str, typer.Argument(metavar="[URL]", help="The internal port of a gateway.")
    ] = DEFAULT_URL,
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Until its last socket is gone.")] = False,
    within: Annotated[float, typer.Option(help="Longest wait, in s.", min=0.1)] = 300,
) -> None:
    """Have a gateway refuse new sockets and move those it has, each in a slot of its own.

    The process runs on until it gets a signal. There is no way back: start it again.

    Example:

        fanwire drain http://10.0.3.7:8001 --wait
    """
    base = _address(url)
    context = context_of(ctx)
    with _asking(context, base) as http:
        state = _begin(http)
        _show(context, state)
        if wait:
            _wait(context, http, state, within_s=within)


def _begin(http: httpx.Client) -> dict[str, Any]:
    answer = http.post("/drain")
    state = _object(answer)
    if answer.is_success and "connections" in state:
        return state
    if answer.status_code not in (404, 405):
        raise NotAGateway(f"{http.base_url.host} answers {answer.status_code} to POST /drain")
    alive = _object(http.get("/livez"))
    if "worker" in alive:
        raise NotAGateway("this is a fanout worker, which has no sockets: end it with SIGTERM")
    if alive.get("alive"):
        raise NotAGateway("this gateway is older and drains on SIGTERM alone")
    raise NotAGateway(
        f"{http.base_url.host}:{http.base_url.port} is not an internal port: it knows no /drain "
        "and no /livez, as the port of the clients does not"
    )


def _wait(context: Context, http: httpx.Client, state: dict[str, Any], *, within_s: float) -> None:
    end_s = time.monotonic() + within_s
    while not state.get("drained"):
        if time.monotonic() > end_s:
            raise DrainUnfinished(f"{state['connections']} sockets after {within_s:g} s")
        time.sleep(_LOOK_EVERY_S)
        before, state = state, _object(http.get("/readyz"))
        if "connections" not in state:
            raise NotAGateway(f"{http.base_url.host} answered /drain and not /readyz")
        if state != before:
            _show(context, state)


def _show(context: Context, state: dict[str, Any]) -> None:
    done = "drained" if state.get("drained") else "draining"
    context.output.result(
        {name: state.get(name) for name in ("node", "draining", "drained", "connections")},
        f"{escaped(str(state.get('node', '?')))}  {done}  {state['connections']} sockets left",
    )


@contextmanager
def _asking(context: Context, base: str) -> Iterator[httpx.Client]:
    # No proxy of the environment: an internal port is never behind one.
    with httpx.Client(base_url=base, timeout=context.timeout_s, trust_env=False) as http:
        try:
            yield http
        except httpx.HTTPError as failure:
            why = str(failure) or type(failure).__name__
            raise Unreachable(f"no answer from {base}: {why}") from None


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageMistake(f"{shortened(url)} is not like {DEFAULT_URL}")
    return f"{parts.scheme}://{parts.netloc}"


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
