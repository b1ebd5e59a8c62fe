"""Who and what the demo's story is about."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Property:
    """A house with units to let."""

    name: str
    city: str
    units: int
    nightly_cents: int


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who works there."""

    name: str
    role: str
    property_id: str

    @property
    def key(self) -> str:
        """The person's id."""
        return self.name.lower().replace(" ", "-")


PROPERTIES: Final = {
    "p1": Property("Harbour View", "Porto", 24, 14_900),
    "p2": Property("Mill House", "Leuven", 16, 11_800),
    "p3": Property("Old Orchard", "Graz", 12, 9_700),
    "p5": Property("Canal Row", "Ghent", 20, 13_200),
    "p9": Property("Station Lofts", "Utrecht", 32, 12_500),
}
"""Name, town, rooms, and the price of a night in cents: invented."""

STAFF: Final = (
    Person("Ada Winter", "Front desk", "p1"),
    Person("Bram de Wit", "Maintenance", "p1"),
    Person("Chidi Eze", "Housekeeping", "p1"),
    Person("Dunya Aksoy", "Housekeeping", "p2"),
    Person("Eluned Rees", "Front desk", "p2"),
    Person("Farah Naseri", "Housekeeping", "p3"),
    Person("Goran Babic", "Maintenance", "p3"),
    Person("Hilde Moen", "Front desk", "p5"),
    Person("Ines Prado", "Housekeeping", "p5"),
    Person("Jonas Falk", "Maintenance", "p9"),
    Person("Kaya Stone", "Housekeeping", "p9"),
    Person("Lior Amsel", "Front desk", "p9"),
)

USERS: Final = {
    "Mara Holt": "Owner",
    "Nils Berg": "Accountant",
    "Oana Pop": "Regional lead",
    "Piet Vos": "Accountant",
    "Quinn Avery": "Revenue",
    "Rosa Lind": "Front desk",
    "Samir Haddad": "Front desk",
    "Tove Dahl": "Auditor",
    "Uma Rao": "Regional lead",
}

GUESTS: Final = (
    "Amara Okafor",
    "Bo Lindqvist",
    "Claire Moreau",
    "Daichi Tanaka",
    "Elisa Silva",
    "Filip Novak",
    "Greta Sommer",
    "Hugo Barros",
    "Isla Murray",
    "Jana Kovac",
    "Karim Benali",
    "Lena Vogt",
    "Mateo Rossi",
    "Noor Visser",
)

CHORES: Final = (
    ("Fix dripping tap", "Plumbing"),
    ("Unblock shower drain", "Plumbing"),
    ("Change linen", "Cleaning"),
    ("Deep clean kitchen", "Cleaning"),
    ("Restock minibar", "Cleaning"),
    ("Replace hallway bulb", "Electrics"),
    ("Test smoke alarm", "Safety"),
    ("Service boiler", "Heating"),
    ("Bleed radiators", "Heating"),
    ("Repaint balcony door", "Repairs"),
    ("Re-hang wardrobe door", "Repairs"),
    ("Swap key card battery", "Electrics"),
)

REPORTS: Final = (
    ("Night audit", "Finance"),
    ("City tax return", "Finance"),
    ("Occupancy forecast", "Planning"),
    ("Housekeeping hours", "Staff"),
    ("Channel comparison", "Sales"),
    ("Guest feedback digest", "Sales"),
)

SITE_PAGES: Final = ("/", "/rooms", "/offers", "/book", "/reviews", "/contact")
