"""Lua scripts: one file each in shared/redis/lua, called by their digest.

The name of a script is its file's. What it expects and returns stands at the head of the
file, beside the code that must keep to it.
"""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import NoScriptError

LUA_FOLDER: Final = Path(__file__).parent / "lua"

Argument = str | bytes | int | float


class Script:
    """A script that runs atomically on the server."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def text(self) -> str:
        """The source."""
        return (LUA_FOLDER / f"{self.name}.lua").read_text(encoding="utf-8")

    @cached_property
    def sha(self) -> str:
        """The digest by which a server knows the source."""
        # SHA-1 names the script to the server; nothing is protected by it.
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    async def load(self, redis: Redis) -> None:
        """Make the script known to the server."""
        await redis.script_load(self.text)

    async def __call__(
        self, redis: Redis, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> Any:
        """Run the script and return its reply, loading it first where it is unknown.

        Loading and repeating is safe: NOSCRIPT means that nothing ran.
        """
        try:
            return await self.run_loaded(redis, keys, args)
        except NoScriptError:
            await self.load(redis)
            return await self.run_loaded(redis, keys, args)

    async def run_loaded(
        self, redis: Redis, keys: Sequence[str], args: Sequence[Argument] = ()
    ) -> Any:
        """Run the script; raises NoScriptError on a server that does not know it.

        For an owner to whom that is news: the server was restarted or replaced.
        """
        return await cast(Any, redis.evalsha(self.sha, len(keys), *keys, *args))

    def queue(self, pipe: Pipeline, keys: Sequence[str], args: Sequence[Argument] = ()) -> None:
        """Add a run to a pipeline.

        `load` before; among the replies, a NoScriptError marks a run that did not happen.
        """
        pipe.evalsha(self.sha, len(keys), *keys, *args)
