"""Whose batches leave in a turn: higher tiers first, and within a tier each org its share.

Orgs of a tier stand in a ring (deficit round-robin). Each round grants every org the same
number of bytes; who used them up waits for the next round. What a batch weighs is known only
when it is taken, so it is charged afterwards, and an org may owe the rest: the debt stays
with it, even while nothing of it waits, until rounds have paid it or no org waits at all.

A turn is bounded in bytes. Each tier that waits is sure of a minimum of it, so that the
critical ones cannot starve the low; what a tier does not use goes to the highest that waits.

Rejected: a queue in order of arrival. One org at a hundred times the load of the others would
then be a hundred times as long before each of them.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from fanwire.core.tiers import Tier

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FairnessLimits:
    """Bounds of a turn, in bytes."""

    turn_bytes: int = 512 * 1024
    """Eight full batches: what became due meanwhile, be it critical, waits for no more than
    that."""
    tier_least_bytes: int = 64 * 1024
    """One full batch, so that each tier moves in every turn."""
    quantum_bytes: int = 64 * 1024
    """What a round grants an org; at least a batch, or rounds would pass without one."""
    commit_bytes: int = 2 * 1024
    """What a commit costs beside its bytes, so that small ones bound a turn as well."""


@dataclass(slots=True)
class _Account(Generic[T]):
    """What an org may still take in this round, and what of it waits."""

    credit_bytes: int
    waiting: deque[T] = field(default_factory=deque)


class _Ring(Generic[T]):
    """The orgs of one tier."""

    def __init__(self, quantum_bytes: int) -> None:
        self._quantum_bytes = quantum_bytes
        self._accounts: OrderedDict[str, _Account[T]] = OrderedDict()
        self.waiting_count = 0
        self.spent_bytes = 0

    def __iter__(self) -> Iterator[T]:
        for account in self._accounts.values():
            yield from account.waiting

    def put(self, item: T, org: str) -> None:
        if org not in self._accounts:
            self._accounts[org] = _Account(self._quantum_bytes)
        self._accounts[org].waiting.append(item)
        self.waiting_count += 1

    def pop(self) -> tuple[T, _Account[T]]:
        while True:
            org, account = next(iter(self._accounts.items()))
            if account.waiting and account.credit_bytes > 0:
                self.waiting_count -= 1
                return account.waiting.popleft(), account
            if not account.waiting and account.credit_bytes >= 0:
                del self._accounts[org]  # credit is for those who wait, not to be saved up
                continue
            account.credit_bytes += self._quantum_bytes
            self._accounts.move_to_end(org)

    def forgive(self) -> None:
        self._accounts.clear()


class FairTurns(Generic[T]):
    """Items that are due; each turn takes some of them."""

    def __init__(self, limits: FairnessLimits) -> None:
        self._limits = limits
        self._rings: dict[Tier, _Ring[T]] = {tier: _Ring(limits.quantum_bytes) for tier in Tier}
        self._waiting: set[T] = set()
        self._charged: tuple[_Ring[T], _Account[T]] | None = None

    def __iter__(self) -> Iterator[T]:
        return iter(self._waiting)

    def put(self, item: T, *, org: str, tier: Tier) -> None:
        """Note that `item` is due; nothing changes if it is known."""
        if item not in self._waiting:
            self._waiting.add(item)
            self._rings[tier].put(item, org)

    def begin(self) -> None:
        """Begin a turn."""
        for ring in self._rings.values():
            ring.spent_bytes = 0

    def pop_next(self) -> T | None:
        """Remove and return what leaves next in this turn; None ends the turn."""
        if not self._waiting:
            for ring in self._rings.values():
                ring.forgive()
            return None
        for tier, ring in self._rings.items():
            if ring.waiting_count and self._may_spend(tier):
                item, account = ring.pop()
                self._waiting.remove(item)
                self._charged = ring, account
                return item
        return None

    def charge(self, size_bytes: int) -> None:
        """Charge a commit of this size to the item taken last."""
        assert self._charged is not None
        ring, account = self._charged
        cost_bytes = size_bytes + self._limits.commit_bytes
        ring.spent_bytes += cost_bytes
        account.credit_bytes -= cost_bytes

    def _may_spend(self, tier: Tier) -> bool:
        least = self._limits.tier_least_bytes
        if self._rings[tier].spent_bytes < least:
            return True
        spent = sum(ring.spent_bytes for ring in self._rings.values())
        kept = sum(
            max(least - ring.spent_bytes, 0) for ring in self._rings.values() if ring.waiting_count
        )
        return spent + kept < self._limits.turn_bytes
