"""Believable events of a property-management product, the same for the same seed.

A small world of properties, staff and guests changes step by step, so that what arrives in a
page makes sense: a task that is done was open before, occupancy follows check-ins. Every
event carries all of its entity's new state, so a page that missed some is right again with
the next.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from demo.scenes.guests import Payments, Stays
from demo.scenes.houses import Houses, Tiles
from demo.scenes.office import Reports, Users, Visits
from demo.scenes.town import Happening, Town
from demo.scenes.upkeep import Shifts, Tasks
from fanwire import NewEvent

SERVICES: Final = (
    "tasks",
    "users",
    "staff",
    "properties",
    "finance",
    "reports",
    "dashboard",
    "analytics",
    "guest-checkin",
)


class DemoWorld:
    """The story, which goes on with each event that is taken from it."""

    def __init__(self, org: str, seed: int) -> None:
        self._org = org
        self._random = Random(seed)
        town = Town(self._random)
        # How often each happens, relative to the others: most is done in rooms and at the desk.
        self._scenes: dict[str, tuple[int, Callable[[], Happening]]] = {
            "tasks": (28, Tasks(town).next),
            "guest-checkin": (20, Stays(town).next),
            "dashboard": (16, Tiles(town).next),
            "analytics": (12, Visits(town).next),
            "finance": (10, Payments(town).next),
            "reports": (6, Reports(town).next),
            "staff": (6, Shifts(town).next),
            "properties": (5, Houses(town).next),
            "users": (3, Users(town).next),
        }

    def events(self) -> Iterator[NewEvent]:
        """Return an endless run of events; tasks and check-ins are the most frequent."""
        weights = [weight for weight, _ in self._scenes.values()]
        while True:
            (service,) = self._random.choices(list(self._scenes), weights=weights)
            _, scene = self._scenes[service]
            yield self._event(service, scene())

    def _event(self, service: str, happening: Happening) -> NewEvent:
        return NewEvent(
            self._org,
            service,
            happening.row,
            type=happening.type,
            entity_type=happening.entity_type,
            entity_id=happening.entity_id,
            property_id=happening.property_id,
        )
