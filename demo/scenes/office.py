"""The people with an account, the reports they ask for, and visitors of the web site."""

from typing import Final

from demo.cast import REPORTS, SITE_PAGES, USERS
from demo.scenes.town import Happening, Town, each_then_any

_REPORTS_AT_ONCE: Final = 4
"""Few enough to follow each progress bar to its end."""


class Users:
    """Accounts: each is mentioned once, and then signs in or changes."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._names = each_then_any(USERS, lambda: town.random.choice(list(USERS)))
        self._status = dict.fromkeys(USERS, "invited")

    def next(self) -> Happening:
        """Have something happen to one account."""
        name = next(self._names)
        # People sign in every day, change their data rarely, and are hardly ever suspended.
        kinds, weights = ("signed_in", "updated", "suspended"), (12, 4, 1)
        (kind,) = self._town.random.choices(kinds, weights=weights)
        self._status[name] = "suspended" if kind == "suspended" else "active"
        row = {
            "name": name,
            "email": f"{name.lower().replace(' ', '.')}@keyring.example",
            "role": USERS[name],
            "status": self._status[name],
            "lastAction": kind,
        }
        return Happening(f"user.{kind}", "user", name.lower().replace(" ", "-"), row)


class Reports:
    """A report is queued, runs, and is ready."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._running: dict[str, tuple[int, dict[str, object]]] = {}

    def next(self) -> Happening:
        """Queue a report or bring one on."""
        if self._town.is_likely(1 - len(self._running) / _REPORTS_AT_ONCE):
            return self._queue()
        return self._bring_on()

    def _queue(self) -> Happening:
        title, kind = self._town.random.choice(REPORTS)
        asked_by = self._town.random.choice(list(USERS))
        number = self._town.next_id("report")
        row: dict[str, object] = {"title": title, "kind": kind, "requestedBy": asked_by}
        self._running[number] = (0, row)
        full_row = row | {"status": "queued", "progress": 0}
        return Happening("report.queued", "report", number, full_row)

    def _bring_on(self) -> Happening:
        number = self._town.random.choice(list(self._running))
        progress, row = self._running[number]
        progress = min(progress + self._town.random.randint(25, 60), 100)
        if progress == 100:
            del self._running[number]
            full_row = row | {"status": "ready", "progress": 100, "pages": self._pages()}
            return Happening("report.ready", "report", number, full_row)
        self._running[number] = (progress, row)
        full_row = row | {"status": "running", "progress": progress}
        return Happening("report.progressed", "report", number, full_row)

    def _pages(self) -> int:
        return self._town.random.randint(2, 28)


class Visits:
    """Counters of the web site, which only grow."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._counts = {page: [0, 0, 0] for page in SITE_PAGES}

    def next(self) -> Happening:
        """Count visits of one page."""
        town = self._town
        # The home page first, the last of the list hardly ever.
        (page,) = town.random.choices(SITE_PAGES, weights=(9, 7, 4, 3, 2, 1))
        views = town.random.randint(2, 30)
        more = (views, town.random.randint(1, views), int(page == "/book") * views // 9)
        counts = self._counts[page] = [a + b for a, b in zip(self._counts[page], more, strict=True)]
        row = {"page": page, "views": counts[0], "visitors": counts[1], "bookings": counts[2]}
        return Happening("views.counted", "page", page, row)
