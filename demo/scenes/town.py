"""What the scenes of the demo share: chance, running numbers, and the state of the houses."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from demo.cast import PROPERTIES

T = TypeVar("T")


def each_then_any(some: Collection[T], any_of_them: Callable[[], T]) -> Iterator[T]:
    """Yield each once, so that no page waits for chance to name it, and then any, endlessly."""
    yield from reversed(list(some))
    while True:
        yield any_of_them()


@dataclass(frozen=True, slots=True)
class Happening:
    """What has become of one entity: `row` is all of its new state."""

    type: str
    entity_type: str
    entity_id: str
    row: Mapping[str, object]
    property_id: str | None = None


@dataclass(slots=True)
class House:
    """The figures of one property, today."""

    occupied: int
    arrivals: int = 0
    departures: int = 0
    open_tasks: int = 0
    revenue_cents: int = 0


class Town:
    """The state that the scenes change."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.houses = {
            key: House(occupied=round(place.units * random.uniform(0.55, 0.85)))
            for key, place in PROPERTIES.items()
        }
        self._numbers: dict[str, int] = {}

    def next_id(self, what: str) -> str:
        """Return a number that nothing else of this kind has."""
        self._numbers[what] = self._numbers.get(what, 1000) + 1
        return str(self._numbers[what])

    def is_likely(self, chance: float) -> bool:
        """Decide by chance, in [0, 1]."""
        return self.random.random() < chance

    def any_property(self) -> str:
        """Return the id of some property, the larger ones more often."""
        units = [place.units for place in PROPERTIES.values()]
        (found,) = self.random.choices(list(PROPERTIES), weights=units)
        return found

    def unit_of(self, property_id: str) -> str:
        """Return the number of some unit, such as 304."""
        number = self.random.randrange(PROPERTIES[property_id].units)
        return f"{number // 8 + 1}{number % 8 + 1:02}"
