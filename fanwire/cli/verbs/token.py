"""`fanwire token mint|check`: tokens for development and tests."""

import sys
import time
from typing import Annotated, Any

import jwt
import orjson
import typer

from fanwire.cli.context import Context, NoTarget, context_of
from fanwire.cli.dev.defaults import AUDIENCE, ISSUER, ORG, USER
from fanwire.cli.dev.runtime_file import running_stack
from fanwire.cli.mistakes import UsageMistake
from fanwire.cli.output import escaped
from fanwire.errors import Unauthorized
from fanwire.token_algorithms import SECRET_ALGORITHMS
from fanwire.tokens import mint_token

app = typer.Typer(no_args_is_help=True, help="Make and check tokens.")

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
    key, iss, aud = _signing(secret, issuer, audience)
    try:
        token = mint_token(
            key,
            org=org,
            sub=user,
            services=_listed(services),
            properties=_listed(properties),
            publish=publish,
            ttl_s=ttl,
            issuer=iss,
            audience=aud,
            now=time.time(),
            algorithm=_algorithms(algorithms)[0],
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
    issuer: IssuerOption = None,
    audience: AudienceOption = None,
    algorithms: AlgorithmsOption = "HS256",
) -> None:
    """Say what a token holds, and whether the gateways of this secret accept it."""
    text = sys.stdin.read().strip() if token == "-" else token
    key, iss, aud = _signing(secret, issuer, audience)
    accepted = _algorithms(algorithms)
    claims = _unverified(text)
    _show(context_of(ctx), claims)
    try:
        jwt.decode(text, key, algorithms=accepted, issuer=iss, audience=aud)
    except jwt.InvalidTokenError as refusal:
        raise _refused(refusal, claims) from None


def _signing(secret: str | None, issuer: str | None, audience: str | None) -> tuple[str, str, str]:
    stack = running_stack()
    found = secret or (stack.secret if stack else None)
    if found is None:
        raise NoTarget("no secret: neither --secret nor REALTIME_JWT_SECRET, and no dev stack")
    return (
        found,
        issuer or (stack.issuer if stack else ISSUER),
        audience or (stack.audience if stack else AUDIENCE),
    )


def _algorithms(text: str) -> list[str]:
    named = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in named if name not in SECRET_ALGORITHMS]
    if unknown or not named:
        raise UsageMistake(f"--algorithms must be among {' '.join(SECRET_ALGORITHMS)}")
    return named


def _listed(text: str) -> str | list[str]:
    return text if text == "*" else [name for name in text.split(",") if name]


def _unverified(token: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as mistake:
        raise UsageMistake(f"this is no token: {mistake}") from None
    return claims


def _show(context: Context, claims: dict[str, Any]) -> None:
    if context.output.json:
        context.output.json_line(orjson.dumps({"claims": claims}))
        return
    for name, value in claims.items():
        line = f"{escaped(name):<10} {escaped(str(value))}{_when(name, value)}"
        context.output.console.print(line)


def _when(name: str, value: object) -> str:
    if name not in ("exp", "iat", "nbf") or not isinstance(value, int | float):
        return ""
    distance_s = round(value - time.time())
    told = f"in {distance_s} s" if distance_s >= 0 else f"{-distance_s} s ago"
    return f"  [dim]{told}[/dim]"


def _refused(refusal: jwt.InvalidTokenError, claims: dict[str, Any]) -> Unauthorized:
    error = Unauthorized(str(refusal))
    if isinstance(refusal, jwt.ExpiredSignatureError):
        ago_s = round(time.time() - claims["exp"])
        error.args = (f"the token expired {ago_s} s ago (exp {_clock(claims['exp'])})",)
    else:
        error.args = (f"the token is not accepted: {refusal}",)
    error.message = str(error)
    return error


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))
