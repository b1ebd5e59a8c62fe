"""Believable events of a property-management product, the same for the same seed.

A small world of properties, staff and guests changes step by step, so that what arrives in a
page makes sense: a task that is done was open before, occupancy follows check-ins.
"""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Final

from fanwire.outgoing import NewEvent

PROPERTIES: Final = {
    "p1": "Harbour View",
    "p2": "Mill House",
    "p3": "Old Orchard",
    "p9": "Station Lofts",
}
STAFF: Final = ("Ada", "Bram", "Chidi", "Dunya", "Eluned", "Farah")
GUESTS: Final = ("A. Okafor", "B. Lindqvist", "C. Moreau", "D. Tanaka", "E. Silva", "F. Novak")
CHORES: Final = (
    "Fix sink",
    "Change linen",
    "Check smoke alarm",
    "Replace bulb",
    "Unblock drain",
    "Paint hallway",
    "Restock minibar",
)
DEMO_SERVICES: Final = (
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
    """The state that the events are about."""

    def __init__(self, org: str, seed: int) -> None:
        self._org = org
        self._random = Random(seed)
        self._numbers: dict[str, int] = {}
        self._open_tasks: dict[str, tuple[str, str]] = {}
        self._occupied: dict[str, int] = dict.fromkeys(PROPERTIES, 8)
        self._page_views = 0

    def events(self) -> Iterator[NewEvent]:
        """Return an endless run of events; tasks and check-ins are the most frequent."""
        makers: dict[Callable[[], NewEvent], int] = {
            self._task: 30,
            self._guest: 20,
            self._dashboard: 14,
            self._analytics: 12,
            self._payment: 8,
            self._staff: 6,
            self._property: 5,
            self._user: 3,
            self._report: 2,
        }
        while True:
            (maker,) = self._random.choices(list(makers), weights=list(makers.values()))
            yield maker()

    def _event(
        self,
        service: str,
        kind: str,
        entity: tuple[str, str],
        data: Mapping[str, object],
        property_id: str | None = None,
    ) -> NewEvent:
        return NewEvent(
            self._org,
            service,
            data,
            type=kind,
            entity_type=entity[0],
            entity_id=entity[1],
            property_id=property_id,
        )

    def _next(self, what: str) -> str:
        self._numbers[what] = self._numbers.get(what, 100) + 1
        return str(self._numbers[what])

    def _any_property(self) -> str:
        return self._random.choice(list(PROPERTIES))

    def _task(self) -> NewEvent:
        # More begun than finished at first, then about as many: a page of tasks fills and lives.
        if self._random.random() < len(self._open_tasks) / 20:
            number = self._random.choice(list(self._open_tasks))
            title, place = self._open_tasks.pop(number)
            done = {"title": title, "status": "done", "by": self._random.choice(STAFF)}
            return self._event("tasks", "task.done", ("task", number), done, place)
        number, title, place = self._next("task"), self._random.choice(CHORES), self._any_property()
        self._open_tasks[number] = (title, place)
        begun = {"title": title, "status": "open", "priority": self._random.choice(("low", "high"))}
        return self._event("tasks", "task.created", ("task", number), begun, place)

    def _guest(self) -> NewEvent:
        place = self._any_property()
        arrives = self._random.random() < (20 - self._occupied[place]) / 20
        self._occupied[place] += 1 if arrives else -1
        guest = {
            "guest": self._random.choice(GUESTS),
            "unit": self._random.randint(1, 20),
            "property": PROPERTIES[place],
        }
        kind = "guest.checked_in" if arrives else "guest.checked_out"
        return self._event("guest-checkin", kind, ("stay", self._next("stay")), guest, place)

    def _dashboard(self) -> NewEvent:
        place = self._any_property()
        tiles = {"occupied": self._occupied[place], "units": 20, "openTasks": len(self._open_tasks)}
        return self._event("dashboard", "tiles.refreshed", ("property", place), tiles, place)

    def _analytics(self) -> NewEvent:
        self._page_views += self._random.randint(1, 40)
        counted = {"page": self._random.choice(("/", "/rooms", "/book")), "views": self._page_views}
        return self._event("analytics", "views.counted", ("site", "main"), counted)

    def _payment(self) -> NewEvent:
        place = self._any_property()
        cents = self._random.randint(4_000, 90_000)
        paid = {"amountCents": cents, "currency": "EUR", "payer": self._random.choice(GUESTS)}
        number = self._next("payment")
        return self._event("finance", "payment.received", ("payment", number), paid, place)

    def _staff(self) -> NewEvent:
        person = self._random.choice(STAFF)
        shift = {"name": person, "shift": self._random.choice(("started", "paused", "ended"))}
        return self._event("staff", "shift.changed", ("person", person.lower()), shift)

    def _property(self) -> NewEvent:
        place = self._any_property()
        facts = {"name": PROPERTIES[place], "occupied": self._occupied[place], "units": 20}
        return self._event("properties", "property.updated", ("property", place), facts, place)

    def _user(self) -> NewEvent:
        person = self._random.choice(STAFF)
        user = {"name": person, "role": self._random.choice(("manager", "cleaner", "desk"))}
        return self._event("users", "user.updated", ("user", person.lower()), user)

    def _report(self) -> NewEvent:
        number = self._next("report")
        ready = {"title": f"Night audit {number}", "pages": self._random.randint(2, 14)}
        return self._event("reports", "report.ready", ("report", number), ready)
