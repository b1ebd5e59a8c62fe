"""What must change so that a socket holds just what it should."""

from collections.abc import Set
from dataclasses import dataclass

from fanwire.core.ids import Service


@dataclass(frozen=True, slots=True)
class InterestChange:
    """Services to join and to leave; both empty when nothing changes."""

    join: frozenset[Service]
    leave: frozenset[Service]

    def __bool__(self) -> bool:
        return bool(self.join or self.leave)


def interest_change(*, held: Set[Service], wanted: Set[Service]) -> InterestChange:
    """Return the smallest change that turns `held` into `wanted`."""
    return InterestChange(join=frozenset(wanted - held), leave=frozenset(held - wanted))
