"""The properties, and the figures of each on the dashboard."""

from demo.cast import PROPERTIES
from demo.scenes.town import Happening, Town, each_then_any


class Houses:
    """How a property stands: occupancy follows the guests."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._places = each_then_any(PROPERTIES, town.any_property)

    def next(self) -> Happening:
        """Bring one property up to date."""
        place = next(self._places)
        facts, house = PROPERTIES[place], self._town.houses[place]
        free = facts.units - house.occupied
        row = {
            "name": facts.name,
            "city": facts.city,
            "units": facts.units,
            "occupied": house.occupied,
            "cleaning": self._town.random.randint(0, min(free, 3)),
            "rateCents": facts.nightly_cents + self._town.random.randint(-8, 16) * 100,
            "rating": round(self._town.random.uniform(4.1, 4.9), 1),
        }
        return Happening("property.updated", "property", place, row, place)


class Tiles:
    """What the dashboard shows of one property."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._places = each_then_any(PROPERTIES, town.any_property)

    def next(self) -> Happening:
        """Bring the figures of one property up to date."""
        place = next(self._places)
        facts, house = PROPERTIES[place], self._town.houses[place]
        row = {
            "name": facts.name,
            "units": facts.units,
            "occupied": house.occupied,
            "arrivals": house.arrivals,
            "departures": house.departures,
            "openTasks": house.open_tasks,
            "revenueCents": house.revenue_cents,
        }
        return Happening("tiles.refreshed", "property", place, row, place)
