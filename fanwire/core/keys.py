"""Every Redis key and channel, spelled once.

`{org}` is the hash tag: all keys of an org share one cluster slot, so a script over them is
atomic there too. Nothing else in the project may contain a key literal.
"""

import zlib
from dataclasses import dataclass
from typing import Final, NamedTuple

from fanwire.core.ids import Org, Service, is_valid_id

PARTITION_COUNT: Final = 128
"""Many times the workers of any deployment, so that they share evenly; each costs a lease a
second."""


class Topic(NamedTuple):
    """An org and a service: the unit of order and of fan-out."""

    org: Org
    service: Service

    def __str__(self) -> str:
        return f"{self.org}/{self.service}"


CANARY: Final = Topic(Org("_canary"), Service("_canary"))
"""What the gateways publish to hear whether they hear. No id begins like its names, so no token
can carry them and no publisher name them, and no metric takes them for somebody's service."""


def partition_of(org: Org) -> int:
    """Return the partition, 0 to PARTITION_COUNT - 1, whose owner fans out `org`."""
    # CRC-32 is the same in every process and release; Python's hash() is salted.
    return zlib.crc32(org.encode()) % PARTITION_COUNT


@dataclass(frozen=True, slots=True)
class Keys:
    """Spells the keys of one deployment, all of them behind `prefix`."""

    prefix: str = ""

    def events(self, topic: Topic) -> str:
        """Stream that publishers XADD to."""
        return f"{self.prefix}events:{{{topic.org}}}:{topic.service}"

    def batches(self, topic: Topic) -> str:
        """Stream of finished batches, the replay log; entry id = position."""
        return f"{self.prefix}batches:{{{topic.org}}}:{topic.service}"

    def topic(self, topic: Topic) -> str:
        """Hash with epoch, seq, cursor, replid; outlives its streams."""
        return f"{self.prefix}topic:{{{topic.org}}}:{topic.service}"

    def dead(self, topic: Topic) -> str:
        """Stream of entries that could not be delivered, with the reason."""
        return f"{self.prefix}dead:{{{topic.org}}}:{topic.service}"

    def subs(self, org: Org) -> str:
        """Hash of subscriptions: field = user or user#connection."""
        return f"{self.prefix}subs:{{{org}}}"

    def bell(self, org: Org) -> str:
        """Sharded channel whose messages say what to read."""
        return f"{self.prefix}bell:{{{org}}}"

    def revoked(self, org: Org) -> str:
        """Sorted set: token id or `sub@iat`, scored by expiry in Unix seconds."""
        return f"{self.prefix}revoked:{{{org}}}"

    def flags(self) -> str:
        """Hash of switches for all orgs: `emergency`, `disable:<service>`."""
        return f"{self.prefix}flags"

    def org_flags(self, org: Org) -> str:
        """Hash of switches for one org."""
        return f"{self.prefix}flags:{{{org}}}"

    def workers(self) -> str:
        """Sorted set of live workers, scored by deadline in server milliseconds."""
        return f"{self.prefix}fanout:workers"

    def lease(self, partition: int) -> str:
        """Hash with owner, token and deadline of a partition; never expires."""
        return f"{self.prefix}fanout:lease:{partition}"

    def worker_nodes(self) -> str:
        """Hash of what each worker says of itself."""
        return f"{self.prefix}fanout:nodes"

    def gateway_nodes(self) -> str:
        """Hash of gateway heartbeats."""
        return f"{self.prefix}gateway:nodes"

    def events_pattern(self, org: Org | None = None) -> str:
        """Glob that matches every events stream, or those of one org."""
        return f"{_glob_escaped(self.prefix)}events:{{{org or '*'}}}:*"

    def subs_pattern(self) -> str:
        """Glob that matches the subscriptions of every org."""
        return f"{_glob_escaped(self.prefix)}subs:{{*}}"

    def parse_subs(self, key: str) -> Org | None:
        """Return the org whose subscriptions `key` holds, or None if it is another key."""
        head = f"{self.prefix}subs:{{"
        org = key[len(head) : -1]
        is_subs = key.startswith(head) and key.endswith("}") and is_valid_id(org)
        return Org(org) if is_subs else None

    def parse_events(self, key: str) -> Topic | None:
        """Return the topic whose events stream `key` is, or None if it is another key."""
        head = f"{self.prefix}events:{{"
        if not key.startswith(head):
            return None
        if key == self.events(CANARY):
            return CANARY
        org, closed, service = key[len(head) :].partition("}:")
        if not closed or not is_valid_id(org) or not is_valid_id(service):
            return None
        return Topic(Org(org), Service(service))


def _glob_escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in r"*?[]\^-" else char for char in text)
