"""What a service is worth under pressure."""

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


def tier_of(service: str) -> Tier:
    """Return the tier of `service`; an unnamed service is high, so that it is never shed."""
    return DEFAULT_TIERS.get(service, Tier.HIGH)
