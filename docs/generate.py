"""Rewrite the pages that are made from the code: `make docs`. A test keeps them current."""

from pathlib import Path

from deploy.grafana.dashboard import page as dashboard
from docs.phase_diagram import DIAGRAMS
from fanout import settings_report as fanout_settings
from fanwire.cli.error_pages import write_pages
from gateway import settings_report as gateway_settings
from shared.settings.page import settings_page
from shared.telemetry.page import metrics_page

CHECKOUT = Path(__file__).parents[1]
METRICS_PAGE = CHECKOUT / "docs" / "metrics.md"
SETTINGS_PAGE = CHECKOUT / "docs" / "settings.md"


def all_settings_page() -> str:
    """Return `docs/settings.md`."""
    return settings_page(dict.fromkeys([*gateway_settings.CLASSES, *fanout_settings.CLASSES]))


if __name__ == "__main__":
    write_pages(CHECKOUT)
    for diagram in DIAGRAMS:
        diagram.write()
    METRICS_PAGE.write_text(metrics_page())
    SETTINGS_PAGE.write_text(all_settings_page())
    dashboard.PATH.write_text(dashboard.dashboard_text())
