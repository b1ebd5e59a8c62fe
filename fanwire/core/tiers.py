"""What a service is worth under pressure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Tier(StrEnum):
    """From what is never dropped to what is dropped first."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


DEFAULT_TIERS: Final[dict[str, Tier]] = {
    "finance": Tier.CRITICAL,
    "reports": Tier.CRITICAL,
    "users": Tier.HIGH,
    "tasks": Tier.HIGH,
    "staff": Tier.HIGH,
    "properties": Tier.NORMAL,
    "analytics": Tier.LOW,
    "dashboard": Tier.LOW,
}


class Tiers:
    """The tier of every service of a deployment."""

    def __init__(self, named: Mapping[str, Tier] = DEFAULT_TIERS) -> None:
        self._named = dict(named)

    def of(self, service: str) -> Tier:
        """Return the tier of `service`; an unnamed one is high, so that it is never shed."""
        return self._named.get(service, Tier.HIGH)

    @classmethod
    def with_changes(cls, changes: Mapping[str, Tier]) -> "Tiers":
        """Return the default table with some services in other tiers."""
        return cls({**DEFAULT_TIERS, **changes})
