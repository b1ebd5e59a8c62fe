"""Whom and what a development stack is about; the verbs that find one take the same."""

from typing import Final

ORG: Final = "acme"
USER: Final = "demo"
"""The `sub` of the tokens that the verbs make for themselves."""

ISSUER: Final = "fanwire-dev"
AUDIENCE: Final = "fanwire"

# The services of the demo, in the order in which its pages stand. Spelled here once more, since
# a wheel has `fanwire sub` and no demo; a test compares the two lists.
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
