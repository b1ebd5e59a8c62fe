"""What a page of the demo fetches when it opens and after a gap: the newest event of each entity.

Events of the demo carry all of an entity's state, so the newest one is the state, and a page
applies what it fetched and what arrives by the same rule. It stands in for the database and
the API of a real product.

Rejected: reading the replay log. A page must be able to start where the log was trimmed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fanwire import DeliveredEvent, NewEvent

_KEPT_ENTITIES: Final = 60
"""Of each service: more than a page shows, and a page that opens fetches them all."""


@dataclass(frozen=True, slots=True)
class StateEvent:
    """The newest event of an entity."""

    ts_ms: float
    type: str | None
    entity_id: str
    property_id: str | None
    row: object

    def fields(self) -> dict[str, Any]:
        """Return it as the page reads it: named as in a batch frame."""
        return {
            "ts": self.ts_ms,
            "type": self.type,
            "entityId": self.entity_id,
            "propertyId": self.property_id,
            "data": self.row,
        }


class DemoState:
    """Bounded: of each service the entities that changed last."""

    def __init__(self) -> None:
        self._services: dict[str, dict[str, StateEvent]] = {}

    def publishing(self, event: NewEvent, ts_ms: float) -> None:
        """Keep an event before it is published, so that no page can fetch too little."""
        if event.entity_id is not None:
            self._keep(event.service, event.entity_id, ts_ms, event)

    def delivered(self, event: DeliveredEvent) -> None:
        """Keep an event that somebody published, for example `fanwire pub`."""
        entity_id = event.entity_id or event.event_id or str(event.position)
        self._keep(event.service, entity_id, event.ts_ms, event)

    def rows(self, service: str, property_id: str | None = None) -> list[dict[str, Any]]:
        """Return the newest events of a service, oldest first, as the filter lets them pass."""
        return [event.fields() for event in self._matching(service, property_id)]

    def _matching(self, service: str, property_id: str | None) -> Iterator[StateEvent]:
        for event in self._services.get(service, {}).values():
            if None in (property_id, event.property_id) or event.property_id == property_id:
                yield event

    def _keep(
        self, service: str, entity_id: str, ts_ms: float, event: NewEvent | DeliveredEvent
    ) -> None:
        kept = self._services.setdefault(service, {})
        known = kept.pop(entity_id, None)
        fresh = StateEvent(ts_ms, event.type, entity_id, event.property_id, event.data)
        # What is delivered was kept when it was published, and something newer may be since.
        is_newer = known is None or known.ts_ms <= ts_ms
        kept[entity_id] = fresh if is_newer or known is None else known
        while len(kept) > _KEPT_ENTITIES:
            del kept[next(iter(kept))]
