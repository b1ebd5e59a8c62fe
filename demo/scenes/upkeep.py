"""Tasks and the staff who do them."""

from dataclasses import dataclass, replace
from typing import Final

from demo.cast import CHORES, PROPERTIES, STAFF
from demo.scenes.town import Happening, Town, each_then_any

_MANY_TASKS: Final = 24
"""What is not done stays below it, so that a page shows it all; a test holds the story to it."""

_HURRY: Final = 1.4
"""From 17 open tasks on, each event brings one on: two events end a task, and one begins it."""


@dataclass(frozen=True, slots=True)
class _Task:
    title: str
    category: str
    property_id: str
    unit: str
    priority: str
    due_in_min: int
    status: str = "open"
    assignee: str | None = None

    def row(self) -> dict[str, object]:
        return {
            "title": self.title,
            "category": self.category,
            "property": PROPERTIES[self.property_id].name,
            "unit": self.unit,
            "priority": self.priority,
            "dueInMin": self.due_in_min,
            "status": self.status,
            "assignee": self.assignee,
        }


class Tasks:
    """Each task is created, started and done, once."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._open: dict[str, _Task] = {}

    def next(self) -> Happening:
        """Create a task or bring one on: as many end as begin once there are many."""
        is_brought_on = self._town.is_likely(_HURRY * len(self._open) / _MANY_TASKS)
        return self._bring_on() if self._open and is_brought_on else self._create()

    def _create(self) -> Happening:
        town = self._town
        place = town.any_property()
        title, category = town.random.choice(CHORES)
        (priority,) = town.random.choices(("low", "normal", "high"), weights=(3, 5, 2))
        due_in_min = town.random.choice((30, 60, 90, 120, 240, 480))
        task = _Task(title, category, place, town.unit_of(place), priority, due_in_min)
        number = town.next_id("task")
        self._open[number] = task
        town.houses[place].open_tasks += 1
        return _happening("task.created", number, task)

    def _bring_on(self) -> Happening:
        number = self._town.random.choice(list(self._open))
        task = self._open[number]
        if task.status == "open":
            supervisor = [person.name for person in STAFF if person.property_id == task.property_id]
            who = self._town.random.choice(supervisor)
            self._open[number] = task = replace(task, status="in_progress", assignee=who)
            return _happening("task.started", number, task)
        del self._open[number]
        self._town.houses[task.property_id].open_tasks -= 1
        return _happening("task.done", number, replace(task, status="done"))


def _happening(kind: str, number: str, task: _Task) -> Happening:
    return Happening(kind, "task", number, task.row(), task.property_id)


class Shifts:
    """Who is on duty; a break follows the beginning of a shift, never comes before it."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._shift = {person.key: "off" for person in STAFF}
        self._people = each_then_any(STAFF, lambda: town.random.choice(STAFF))
        self._done = dict.fromkeys(self._shift, 0)

    def next(self) -> Happening:
        """Begin, pause or end somebody's shift; in the beginning each person is mentioned once."""
        town = self._town
        person = next(self._people)
        was = self._shift[person.key]
        on_duty = ("break", "duty", "off") if was == "duty" else ("duty",)
        now = town.random.choice(on_duty)
        self._shift[person.key] = now
        self._done[person.key] += town.random.randint(0, 2) if was == "duty" else 0
        row = {
            "name": person.name,
            "role": person.role,
            "property": PROPERTIES[person.property_id].name,
            "shift": now,
            "tasksDone": self._done[person.key],
        }
        return Happening("shift.changed", "person", person.key, row, person.property_id)
