"""The options that every verb has, and where the servers are that they lead to.

An option wins over the environment, and the environment over a running `fanwire dev`.
"""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import typer

from fanwire.cli.dev.defaults import SERVICES, USER
from fanwire.cli.dev.runtime_file import DevStack, running_stack
from fanwire.cli.mistakes import UsageMistake
from fanwire.cli.output import Output
from fanwire.errors import RealtimeError
from fanwire.redis.sentinel_url import is_sentinel_url

_TOKEN_LIFE_S: Final = 3600
"""An hour: long enough to look around with, and worth nothing once the stack has ended."""

_REDIS_SCHEMES: Final = ("redis://", "rediss://", "unix://")


class NoTarget(RealtimeError):
    """Nothing says which server is meant."""

    name = "no_target"
    retryable = False
    remedy = "Start `fanwire dev`, or name the server."


@dataclass(frozen=True, slots=True)
class Context:
    """The global options."""

    output: Output
    url: str | None = None
    redis_url: str | None = None
    timeout_s: float = 10.0
    """As --timeout by default."""

    def redis(self) -> str:
        """Return the Redis to publish to; raises NoTarget."""
        stack = running_stack()
        found = self.redis_url or _setting("REALTIME_REDIS_URL") or (stack and stack.redis_url)
        if not found:
            raise NoTarget("no Redis: neither --redis nor REALTIME_REDIS_URL, and no dev stack")
        if not (found.startswith(_REDIS_SCHEMES) or is_sentinel_url(found)):
            # Not quoted: it may hold a password.
            raise UsageMistake(
                f"the Redis URL must begin with {', '.join(_REDIS_SCHEMES)}, redis+sentinel://"
            )
        return found

    def key_prefix(self) -> str:
        """Return what stands in front of every key."""
        stack = running_stack()
        return _setting("REALTIME_KEY_PREFIX") or (stack.key_prefix if stack else "")

    def gateway(self) -> str:
        """Return the gateway to connect to; raises NoTarget."""
        stack = running_stack()
        found = self.url or _setting("FANWIRE_URL") or (stack and stack.url)
        if not found:
            raise NoTarget("no gateway: neither --url nor FANWIRE_URL, and no dev stack")
        return found

    def token(self, given: str | None, *, sub: str = USER) -> str:
        """Return the token to show: the given one, or a fresh one of the dev stack."""
        found = given or _setting("FANWIRE_TOKEN")
        if found:
            return found
        stack = running_stack()
        if stack is None:
            raise NoTarget("no token: neither --token nor FANWIRE_TOKEN, and no dev stack")
        return dev_token(stack, sub=sub)

    def default_services(self, given_token: str | None) -> Sequence[str] | None:
        """Return what to subscribe to if nothing is said: with the dev stack, the demo's."""
        is_dev = not (given_token or _setting("FANWIRE_TOKEN")) and running_stack() is not None
        return SERVICES if is_dev else None


def dev_token(
    stack: DevStack,
    *,
    sub: str = USER,
    services: str | Sequence[str] = "*",
    properties: str | Sequence[str] = "*",
    ttl_s: int = _TOKEN_LIFE_S,
) -> str:
    """Return a fresh token that the gateways of `stack` accept."""
    # Late: only verbs that connect sign a token.
    from fanwire.tokens import mint_token

    return mint_token(
        stack.secret,
        org=stack.org,
        sub=sub,
        services=services,
        properties=properties,
        publish=True,
        ttl_s=ttl_s,
        issuer=stack.issuer,
        audience=stack.audience,
        now=time.time(),
    )


def context_of(ctx: typer.Context) -> Context:
    """Return the global options of the running command."""
    found = ctx.find_object(Context)
    assert found is not None
    return found


def environment() -> Mapping[str, str]:
    """Return the environment that children inherit."""
    return os.environ


def _setting(name: str) -> str | None:
    return os.environ.get(name) or None
