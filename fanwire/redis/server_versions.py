"""Which Redis servers Fanwire runs on, by the answer of INFO."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

OLDEST_REDIS: Final = (7, 0)
"""The first with sharded Pub/Sub and with flags for scripts, `#!lua`."""

OLDEST_VALKEY: Final = (8, 0)
"""Valkey's first release of its own; 7.2 was still the code of Redis."""


class Engine(NamedTuple):
    """A server, and the oldest version of its kind that has the commands that are used."""

    name: str
    version: str
    oldest: tuple[int, int]

    @property
    def is_too_old(self) -> bool:
        """Whether commands are missing that the scripts use."""
        return tuple(int(part) for part in re.findall(r"\d+", self.version)[:2]) < self.oldest

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def engine_of(facts: Mapping[str, Any]) -> Engine:
    """Return which server gave this answer to INFO."""
    if facts.get("server_name") == "valkey":
        return Engine("Valkey", str(facts["valkey_version"]), OLDEST_VALKEY)
    return Engine("Redis", str(facts["redis_version"]), OLDEST_REDIS)
