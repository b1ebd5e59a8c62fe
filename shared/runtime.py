"""How a process runs and stops: event loop, signals, limits."""

import asyncio
import gc
import resource
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, TypeVar

import uvloop

T = TypeVar("T")

GC_THRESHOLDS: Final = (20_000, 20, 50)
"""With Python's 700, 10 and 10 the collector walks live connections most of the time."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on uvloop to its end."""
    # What was imported never becomes garbage, and tens of thousands of live connections are
    # mostly the same objects at every look: without this, collections cost a tenth of a core.
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    raise_descriptor_limit()
    return uvloop.run(main)


def raise_descriptor_limit() -> int:
    """Let this process open as many files and sockets as the system allows it; return how many.

    The soft limit is 1 024 nearly everywhere, for the sake of programs that use select(2).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # where the hard limit is none, the system has its own
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return soft


def stop_event() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set.

    A second signal ends the process the way it would have without us, so that a person
    who is tired of waiting for an ordered stop needs no SIGKILL.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    return stop


async def stopped_within(stop: asyncio.Event, wait_ms: float) -> bool:
    """Wait, at most this long, and tell whether it is time to stop."""
    try:
        async with asyncio.timeout(wait_ms / 1000):
            await stop.wait()
    except TimeoutError:
        return False
    return True
