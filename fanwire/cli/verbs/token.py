"""`fanwire token mint|check`: tokens for development and tests."""

import json
import sys
import time
from collections.abc import Sequence
from typing import Annotated

import typer

from fanwire.auth.token_faults import TokenFindings, find_faults
from fanwire.auth.variables import rules_of
from fanwire.cli.context import Context, NoTarget, context_of, environment
from fanwire.cli.dev.defaults import AUDIENCE, ISSUER, ORG, USER
from fanwire.cli.dev.runtime_file import running_stack
from fanwire.cli.inspect.token_keys import published_finder, secret_finder
from fanwire.cli.mistakes import UsageMistake
from fanwire.cli.output import escaped
from fanwire.errors import RealtimeError
from fanwire.token_algorithms import (
    PUBLIC_DEFAULT,
    PUBLIC_KEY_ALGORITHMS,
    SECRET_ALGORITHMS,
    SECRET_DEFAULT,
)
from fanwire.tokens import mint_token

app = typer.Typer(no_args_is_help=True, help="Make and check tokens.")

_LATEST_S = 2**53
"""Beyond it seconds are not exact, and further on no float holds them."""

Secret = Annotated[
    str | None,
    typer.Option(
        envvar="REALTIME_JWT_SECRET", help="By default that of `fanwire dev`.", show_envvar=False
    ),
]
IssuerOption = Annotated[str | None, typer.Option(envvar="REALTIME_JWT_ISSUER", show_envvar=False)]
AudienceOption = Annotated[
    str | None, typer.Option(envvar="REALTIME_JWT_AUDIENCE", show_envvar=False)
]
AlgorithmsOption = Annotated[
    str,
    typer.Option(
        envvar="REALTIME_JWT_ALGORITHMS", help="Comma-separated; minted with the first.",
        show_envvar=False,
    ),
]  # fmt: skip


AcceptedOption = Annotated[
    str | None,
    typer.Option(
        envvar="REALTIME_JWT_ALGORITHMS", show_envvar=False,
        help="Comma-separated; HS256 of a secret, RS256,ES256 of a JWKS by default.",
    ),
]  # fmt: skip
JwksOption = Annotated[
    str | None,
    typer.Option(
        envvar="REALTIME_JWKS_URL", help="Where the issuer publishes its keys.", show_envvar=False
    ),
]


class TokenRefused(RealtimeError):
    """A gateway would refuse the token."""

    name = "token_refused"
    retryable = False
    remedy = "Mend it where it is issued, or map its claims: docs/identity_providers.md."

    def __init__(self, count: int) -> None:
        super().__init__(f"a gateway would refuse this token, for {count} thing(s)")


@app.command()
def mint(
    ctx: typer.Context,
    *,
    org: Annotated[str, typer.Option(help="Whose events it opens.")] = ORG,
    user: Annotated[str, typer.Option(help="The `sub`.")] = USER,
    services: Annotated[str, typer.Option(help="Comma-separated, or *.")] = "*",
    properties: Annotated[str, typer.Option(help="Comma-separated, or *.")] = "*",
    publish: Annotated[bool, typer.Option("--publish", help="It may also publish.")] = False,
    ttl: Annotated[int, typer.Option(help="Its life in seconds.", min=1)] = 3600,
    secret: Secret = None,
    issuer: IssuerOption = None,
    audience: AudienceOption = None,
    algorithms: AlgorithmsOption = "HS256",
) -> None:
    """Print a fresh token, signed with a shared secret."""
    iss, aud = _names(issuer, audience)
    try:
        token = mint_token(
            _secret(secret),
            org=org,
            sub=user,
            services=_listed(services),
            properties=_listed(properties),
            publish=publish,
            ttl_s=ttl,
            issuer=iss,
            audience=aud,
            now=time.time(),
            algorithm=(_among(SECRET_ALGORITHMS, algorithms) or SECRET_DEFAULT)[0],
        )
    except ValueError as mistake:
        raise UsageMistake(str(mistake)) from None
    context_of(ctx).output.result({"token": token, "expiresInS": ttl}, token)


@app.command()
def check(
    ctx: typer.Context,
    token: Annotated[str, typer.Argument(help="The token; `-` reads it from stdin.")],
    *,
    secret: Secret = None,
    jwks: JwksOption = None,
    issuer: IssuerOption = None,
    audience: AudienceOption = None,
    algorithms: AcceptedOption = None,
) -> None:
    """Say what a token holds, and all for which a gateway of these settings would refuse it.

    Reads REALTIME_JWT_* and REALTIME_TOKEN_* as a gateway does. Exit code 1 if it is refused.

    Example:

        echo "$TOKEN" | fanwire token check -
    """
    if secret and jwks:
        raise UsageMistake("tokens are checked with a secret or with a JWKS, not with both")
    iss, aud = _names(issuer, audience)
    try:
        rules = rules_of(environment(), issuer=iss, audience=aud)
        find_key = (
            published_finder(jwks, _among(PUBLIC_KEY_ALGORITHMS, algorithms) or PUBLIC_DEFAULT)
            if jwks
            else secret_finder(
                _secret(secret), _among(SECRET_ALGORITHMS, algorithms) or SECRET_DEFAULT
            )
        )
    except ValueError as mistake:
        raise UsageMistake(str(mistake)) from None
    # Last, so that a mistake is told before somebody waits for the pipe.
    text = _piped() if token == "-" else token
    findings = find_faults(text, find_key, rules, now_s=time.time())
    _show(context_of(ctx), findings)
    if findings.faults:
        raise TokenRefused(len(findings.faults))


def _piped() -> str:
    # What is no ASCII is no token, and the check says so.
    return sys.stdin.buffer.read().decode("ascii", "replace").strip()


def _secret(secret: str | None) -> str:
    stack = running_stack()
    found = secret or (stack.secret if stack else None)
    if found is None:
        raise NoTarget("no secret: neither --secret nor REALTIME_JWT_SECRET, and no dev stack")
    return found


def _names(issuer: str | None, audience: str | None) -> tuple[str, str]:
    stack = running_stack()
    return (
        issuer or (stack.issuer if stack else ISSUER),
        audience or (stack.audience if stack else AUDIENCE),
    )


def _among(known: Sequence[str], text: str | None) -> list[str]:
    named = [name.strip() for name in (text or "").split(",") if name.strip()]
    if not set(named) <= set(known):
        raise UsageMistake(f"--algorithms must be among {' '.join(known)}")
    return named


def _listed(text: str) -> str | list[str]:
    return text if text == "*" else [name for name in text.split(",") if name]


def _show(context: Context, findings: TokenFindings) -> None:
    output = context.output
    if output.json:
        fields = {"claims": findings.payload, "accepted": not findings.faults}
        # Not orjson: a claim may hold a number of more than 64 bits.
        output.json_line(json.dumps(fields | {"faults": findings.faults}).encode())
        return
    for name, value in findings.payload.items():
        line = f"{escaped(name):<10} {escaped(str(value))}{_when(name, value)}"
        output.console.print(line)
    for fault in findings.faults:
        output.console.print(f"[red]refused[/red]    {escaped(fault)}")


def _when(name: str, value: object) -> str:
    if name not in ("exp", "iat", "nbf") or not isinstance(value, int | float):
        return ""
    if abs(value) > _LATEST_S:
        return ""
    distance_s = round(value - time.time())
    told = f"in {distance_s} s" if distance_s >= 0 else f"{-distance_s} s ago"
    return f"  [dim]{told}[/dim]"
