"""Which worker owns which partition of orgs.

Every worker ranks all live workers for each partition by a hash of the pair; the highest
owns it. All come to the same answer without talking, and a worker that joins or leaves
moves only its own share.

Rejected: CRC-32. It is linear, so for ids of one length a worker would rank the same in
half of all partitions, and three workers would share them unevenly.
"""

from collections.abc import Collection
from hashlib import blake2b

from fanwire.core.keys import PARTITION_COUNT


def owner_of(partition: int, workers: Collection[str]) -> str | None:
    """Return the worker that is to own `partition`, or None if there is no worker."""
    return max(workers, key=lambda worker: (_weight(partition, worker), worker), default=None)


def partitions_of(worker: str, workers: Collection[str]) -> frozenset[int]:
    """Return the partitions that `worker` is to own among `workers`."""
    return frozenset(n for n in range(PARTITION_COUNT) if owner_of(n, workers) == worker)


def _weight(partition: int, worker: str) -> bytes:
    return blake2b(b"%d:%b" % (partition, worker.encode()), digest_size=8).digest()
