"""Blocking work that its caller need not wait for to the end.

redis-py's timeouts are per read, and a name that does not resolve or a handshake that hangs have
none or another. A thread bounds them all alike.

Rejected: a shorter socket timeout for the call. It would have to be set on connections of the pool,
for a caller who is not the only one to use them, and a new connection does not know it yet.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from fanwire.publish.calls import Deadline

Result = TypeVar("Result")


def in_time(work: Callable[[], Result], deadline: Deadline) -> Result:
    """Return what `work` returns.

    Work that is not done by then is left to end by itself, in a thread that does not keep the
    process alive.

    Raises:
        Unreachable: If the deadline comes first.
    """
    if deadline.left_s is None:
        return work()
    done: Future[Result] = Future()
    threading.Thread(target=_work, args=(work, done), daemon=True).start()
    try:
        return done.result(deadline.left_s)
    except TimeoutError:
        raise deadline.missed() from None


def _work(work: Callable[[], Result], done: Future[Result]) -> None:
    try:
        done.set_result(work())
    except BaseException as error:
        done.set_exception(error)
