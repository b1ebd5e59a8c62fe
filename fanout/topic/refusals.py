"""What an error reply to a commit means for the worker.

Redis answers with a code in capitals, then words. `STALE` comes from our own script: another
worker moved the topic, or the server is another one than it was. A wrong type, or an error
without a code of its own (`ERR`, which the client library strips), is about this call's keys:
the other topics must not suffer. Everything else is about the server (READONLY, MOVED,
NOSCRIPT, OOM, LOADING, …), so nothing that the worker believes can be trusted any more.
"""

from enum import Enum

_OF_THE_TOPIC = frozenset({"WRONGTYPE", "ERR"})


class Refusal(Enum):
    """How far a refusal reaches."""

    STALE = "stale"  # open the topic again and go on from what is there
    TOPIC = "topic"  # set this topic aside, the others go on
    SERVER = "server"  # end the term


def refusal_of(error_text: str) -> Refusal:
    """Return what an error reply means."""
    code = error_text.partition(" ")[0]
    if code == "STALE":
        return Refusal.STALE
    if code in _OF_THE_TOPIC or not code.isupper():
        return Refusal.TOPIC
    return Refusal.SERVER
