"""REALTIME_TIERS: services whose tier is not the built-in one."""

from collections.abc import Sequence

from fanwire.core.ids import is_valid_id
from fanwire.core.tiers import Tier


def tier_changes(named: Sequence[str]) -> dict[str, Tier]:
    """Return the tiers that `service:tier` pairs name.

    Raises:
        ValueError: If a pair is malformed, or names a service twice or a tier that is none.
    """
    changes: dict[str, Tier] = {}
    for pair in named:
        service, _, tier = pair.partition(":")
        if not is_valid_id(service) or service in changes:
            raise ValueError(f"REALTIME_TIERS names {service!r} twice, or it is no service")
        if tier not in set(Tier):
            known = " ".join(Tier)
            raise ValueError(
                f"REALTIME_TIERS gives {service} the tier {tier!r}, not one of {known}"
            )
        changes[service] = Tier(tier)
    return changes
