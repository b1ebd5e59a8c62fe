"""Ends a stack when its terminal says so."""

import asyncio
import signal
from typing import Any, Final

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def cancel_on_stop_signal(task: asyncio.Task[Any]) -> None:
    """Cancel `task` at the first Ctrl-C, SIGTERM or closing of the terminal.

    A second one must not break off the clearing up, so it does nothing.
    """
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, lambda: None)
        task.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
