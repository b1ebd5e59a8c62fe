"""Waiting for a condition instead of sleeping for a guess."""

import asyncio
import inspect
import random
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar, overload

T = TypeVar("T")


@overload
async def eventually(
    predicate: Callable[[], Awaitable[T | None]],
    timeout_s: float = 5,
    *,
    every_s: float = 0.02,
    what: str = "",
) -> T: ...


@overload
async def eventually(
    predicate: Callable[[], T | None],
    timeout_s: float = 5,
    *,
    every_s: float = 0.02,
    what: str = "",
) -> T: ...


async def eventually(
    predicate: Callable[[], Any],
    timeout_s: float = 5,
    *,
    every_s: float = 0.02,
    what: str = "",
) -> Any:
    """Return the first truthy value of `predicate`; fail when there is none in time.

    An AssertionError inside the predicate counts as "not yet", and its text is shown at the end.
    """
    deadline = time.monotonic() + timeout_s
    last: object = None
    while time.monotonic() < deadline:
        try:
            value = predicate()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return value
            last = value
        except AssertionError as error:
            last = error
        await asyncio.sleep(every_s)
    raise AssertionError(f"{what or 'the condition'} did not come true in {timeout_s} s: {last!r}")


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on at the moment."""
    # Below the range from which the kernel takes the near ends of connections: thousands of
    # them would sooner or later sit on the port of a process that is being restarted.
    for _ in range(100):
        port = random.randrange(15_000, 32_000)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise AssertionError("a hundred ports between 15000 and 32000 are all taken")
