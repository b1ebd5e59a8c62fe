"""Rewrite the pages that are made from the code: `make docs`. A test keeps them current."""

from pathlib import Path

from docs.phase_diagram import write_diagram
from fanout.settings import FanoutSettings
from fanwire.reference import write_pages
from gateway.settings import GatewaySettings
from shared.settings import RealtimeSettings, TokenSettings
from shared.settings_page import settings_page

CHECKOUT = Path(__file__).parents[1]
PROTOCOL_PAGE = CHECKOUT / "docs" / "protocol.md"
SETTINGS_PAGE = CHECKOUT / "docs" / "settings.md"


def all_settings_page() -> str:
    """Return `docs/settings.md`."""
    return settings_page([RealtimeSettings, TokenSettings, GatewaySettings, FanoutSettings])


if __name__ == "__main__":
    write_pages(CHECKOUT)
    write_diagram(PROTOCOL_PAGE)
    SETTINGS_PAGE.write_text(all_settings_page())
