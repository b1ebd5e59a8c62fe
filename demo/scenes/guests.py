"""Guests who are expected, come, pay and leave."""

from dataclasses import dataclass, replace
from typing import Final

from demo.cast import GUESTS, PROPERTIES
from demo.scenes.town import Happening, Town

_MANY_EXPECTED: Final = 10
"""A column of the check-in page; the more are expected, the likelier one arrives."""

_MANY_PENDING: Final = 6
"""Payments that are under way; the more there are, the likelier one comes in."""


@dataclass(frozen=True, slots=True)
class _Stay:
    guest: str
    property_id: str
    unit: str
    party: int
    nights: int
    status: str = "expected"

    def row(self) -> dict[str, object]:
        return {
            "guest": self.guest,
            "property": PROPERTIES[self.property_id].name,
            "unit": self.unit,
            "party": self.party,
            "nights": self.nights,
            "status": self.status,
        }


class Stays:
    """Each stay is expected, checked in and checked out, and counts in its house's occupancy."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._expected: dict[str, _Stay] = {}
        self._present: dict[str, _Stay] = {}

    def next(self) -> Happening:
        """Bring the next guest to the door, the desk or the exit."""
        if self._town.is_likely(1 - len(self._expected) / _MANY_EXPECTED):
            return self._expect()
        if self._present and self._town.is_likely(len(self._present) / (2 * _MANY_EXPECTED)):
            return self._leave()
        return self._arrive()

    def _expect(self) -> Happening:
        town = self._town
        place, guest = town.any_property(), town.random.choice(GUESTS)
        party, nights = town.random.randint(1, 4), town.random.randint(1, 9)
        stay = _Stay(guest, place, town.unit_of(place), party, nights)
        number = town.next_id("stay")
        self._expected[number] = stay
        return _happening("guest.expected", number, stay)

    def _arrive(self) -> Happening:
        number = self._town.random.choice(list(self._expected))
        stay = replace(self._expected.pop(number), status="checked_in")
        self._present[number] = stay
        house = self._town.houses[stay.property_id]
        house.occupied = min(house.occupied + 1, PROPERTIES[stay.property_id].units)
        house.arrivals += 1
        return _happening("guest.checked_in", number, stay)

    def _leave(self) -> Happening:
        number = self._town.random.choice(list(self._present))
        stay = replace(self._present.pop(number), status="checked_out")
        house = self._town.houses[stay.property_id]
        house.occupied = max(house.occupied - 1, 0)
        house.departures += 1
        return _happening("guest.checked_out", number, stay)


def _happening(kind: str, number: str, stay: _Stay) -> Happening:
    return Happening(kind, "stay", number, stay.row(), stay.property_id)


class Payments:
    """Money comes in, some of it a while after it was announced; a little goes back."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._pending: dict[str, tuple[str, dict[str, object], int]] = {}

    def next(self) -> Happening:
        """Announce, receive or refund a payment."""
        if self._pending and self._town.is_likely(len(self._pending) / _MANY_PENDING):
            number = self._town.random.choice(list(self._pending))
            place, row, cents = self._pending.pop(number)
            return self._booked("payment.received", number, place, row, cents)
        return self._new()

    def _new(self) -> Happening:
        town = self._town
        place, number = town.any_property(), town.next_id("payment")
        # Most are paid at once, and one in twenty goes back, as a hotel's day would have it.
        (kind,) = town.random.choices(("received", "pending", "refunded"), weights=(14, 5, 1))
        nights = town.random.randint(1, 6)
        cents = PROPERTIES[place].nightly_cents * nights + town.random.randint(0, 60) * 50
        row: dict[str, object] = {
            "payer": town.random.choice(GUESTS),
            "property": PROPERTIES[place].name,
            "unit": town.unit_of(place),
            "method": town.random.choice(("Card", "Card", "Bank transfer", "Cash")),
            "purpose": town.random.choice(("Stay", "Stay", "Deposit", "Extras")),
            "currency": "EUR",
        }
        if kind == "pending":
            self._pending[number] = (place, row, cents)
            full_row = row | {"status": kind, "amountCents": cents}
            return Happening("payment.pending", "payment", number, full_row, place)
        signed = -cents // 4 if kind == "refunded" else cents
        return self._booked(f"payment.{kind}", number, place, row, signed)

    def _booked(
        self, kind: str, number: str, place: str, row: dict[str, object], cents: int
    ) -> Happening:
        self._town.houses[place].revenue_cents += cents
        full_row = row | {"status": kind.partition(".")[2], "amountCents": cents}
        return Happening(kind, "payment", number, full_row, place)
