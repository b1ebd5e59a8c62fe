"""Which events a socket may see, by the property that they are of.

This one function decides for live delivery, replay and resync alike. A filter is the set of
allowed properties, or None where all are allowed; an event of no property passes every
filter, since it concerns the whole org.
"""

PropertyFilter = frozenset[str] | None


def passes(wanted: PropertyFilter, property_id: str | None) -> bool:
    """Tell whether an event of `property_id` passes the filter."""
    return wanted is None or property_id is None or property_id in wanted


def effective_filter(allowed: PropertyFilter, chosen: str | None) -> PropertyFilter:
    """Return the filter of a socket: what its token allows, narrowed to what it chose.

    A choice outside the token's list leaves nothing but events of no property; the edge
    refuses such a choice, and this keeps it harmless if one gets through.
    """
    if chosen is None:
        return allowed
    if allowed is not None and chosen not in allowed:
        return frozenset()
    return frozenset((chosen,))
