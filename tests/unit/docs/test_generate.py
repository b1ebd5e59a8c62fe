"""The generated pages equal what the code says."""

import pytest

from docs.generate import METRICS_PAGE, SETTINGS_PAGE, all_settings_page
from docs.phase_diagram import DIAGRAMS, Diagram
from fanout.settings import FanoutSettings
from gateway.settings import GatewaySettings
from shared.settings.loading import EnvSettings, variable_names
from shared.settings.realtime import RealtimeSettings, TokenSettings
from shared.telemetry.page import metrics_page


def test_the_settings_page_is_current() -> None:
    assert SETTINGS_PAGE.read_text() == all_settings_page(), "run `make docs`"


def test_the_metrics_page_is_current() -> None:
    assert METRICS_PAGE.read_text() == metrics_page(), "run `make docs`"


@pytest.mark.parametrize("cls", [RealtimeSettings, TokenSettings, GatewaySettings, FanoutSettings])
def test_every_setting_is_on_the_page_with_its_meaning(cls: type[EnvSettings]) -> None:
    page = all_settings_page()
    for name, variable in variable_names(cls).items():
        assert cls.model_fields[name].description or variable == "REALTIME_ENV"
        assert f"| `{variable}` |" in page


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda diagram: diagram.page.stem)
def test_a_diagram_of_phases_is_current(diagram: Diagram) -> None:
    page = diagram.page.read_text()
    assert diagram.with_diagram(page) == page, "run `make docs`"
    for (before, sign), after in diagram.table.items():
        [arrow] = [a for a in page.splitlines() if f" {before.value} --> {after.value}: " in a]
        assert sign.value in arrow
