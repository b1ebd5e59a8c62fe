"""Redis, as far as the gateway's shells go: a few commands on hashes and sorted sets.

Only what the tests of the shells need; what a real server does is the integration tests' part.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from fanwire.core.bell import SubscriptionChanged, encode_bell
from fanwire.core.clock import wall_ms
from shared.redis.pipelined import PipelinedRedis, Reply
from shared.redis.scripts import Argument


class _NoRedis:
    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"Redis was asked for {name}")


NO_REDIS: Final = cast(Redis, _NoRedis())
"""For a part that must be given a client and must not use it."""


class MemoryTrips(PipelinedRedis):
    """Answers calls from memory, in order, each in a later turn of the loop."""

    def __init__(self) -> None:
        super().__init__(NO_REDIS)
        self.hashes: dict[str, dict[str, bytes]] = defaultdict(dict)
        self.sorted_sets: dict[str, dict[str, float]] = defaultdict(dict)
        self.rung: list[str] = []
        self.calls: list[tuple[Argument, ...]] = []
        self.failure: Exception | None = None
        """Raised by every call, as by a server that is gone."""
        self.behind_ms = 0.0
        """By how much its clock is behind that of this process."""
        self.before: Callable[[tuple[Argument, ...]], None] = lambda command: None
        """Called before a command is carried out."""

    def call(self, *command: Argument) -> asyncio.Future[Reply]:
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[Reply] = loop.create_future()
        self.calls.append(command)
        loop.call_soon(self._answer, reply, command)
        return reply

    def names(self) -> list[Argument]:
        """Return the names of the commands called, in order."""
        return [command[0] for command in self.calls]

    def _answer(self, reply: asyncio.Future[Reply], command: tuple[Argument, ...]) -> None:
        if reply.done():
            return
        self.before(command)
        if self.failure is not None:
            reply.set_exception(self.failure)
            return
        try:
            reply.set_result(self._carry_out_one(str(command[0]), *command[1:]))
        except NoScriptError as error:
            reply.set_exception(error)

    def _carry_out_one(self, name: str, *arguments: Argument) -> Reply:
        if name == "TIME":
            server_ms = wall_ms() - self.behind_ms
            return [b"%d" % (server_ms // 1000), b"%d" % (server_ms % 1000 * 1000)]
        key, *rest = map(_text, arguments)
        found = self.hashes[key]
        match name:
            case "HGET":
                return found.get(rest[0])
            case "HMGET":
                return [found.get(field) for field in rest]
            case "HGETALL":
                return {field.encode(): value for field, value in found.items()}
            case "HKEYS":
                return [field.encode() for field in found]
            case "HSET":
                found[rest[0]] = rest[1].encode()
                return 1
            case "HSETNX":
                return int(found.setdefault(rest[0], rest[1].encode()) == rest[1].encode())
            case "HDEL":
                return sum(found.pop(field, None) is not None for field in rest)
            case "ZRANGE":
                least = float(rest[0])
                members = self.sorted_sets[key].items()
                return [member.encode() for member, score in members if score >= least]
            case "EVALSHA":
                raise NoScriptError("NOSCRIPT No matching script.")
            case "EVAL":
                return self._update_subscription(*rest[1:])
            case _:
                raise AssertionError(f"{name} is not known here")

    def _update_subscription(
        self, key: str, bell: str, field: str, expected: str, body: str, must_exist: str
    ) -> int:
        current = self.hashes[key].get(field)
        if current is None and must_exist == "1":
            return -1
        if (current or b"").decode() != expected:
            return 0
        version = int(self.hashes[key].get(":version", b"0")) + 1
        self.hashes[key][":version"] = b"%d" % version
        self.hashes[key][field] = f"{version} {body}".encode()
        self.rung.append(encode_bell(SubscriptionChanged(version, field)))
        return version


def _text(argument: Argument) -> str:
    return argument.decode() if isinstance(argument, bytes) else str(argument)
