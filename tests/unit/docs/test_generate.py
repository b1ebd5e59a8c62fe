"""The generated pages equal what the code says."""

import pytest

from docs.generate import PROTOCOL_PAGE, SETTINGS_PAGE, all_settings_page
from docs.phase_diagram import with_diagram
from fanout.settings import FanoutSettings
from gateway.settings import GatewaySettings
from shared.settings import RealtimeSettings, TokenSettings
from shared.settings_loading import EnvSettings, variable_names


def test_the_settings_page_is_current() -> None:
    assert SETTINGS_PAGE.read_text() == all_settings_page(), "run `make docs`"


@pytest.mark.parametrize("cls", [RealtimeSettings, TokenSettings, GatewaySettings, FanoutSettings])
def test_every_setting_is_on_the_page_with_its_meaning(cls: type[EnvSettings]) -> None:
    page = all_settings_page()
    for name, variable in variable_names(cls).items():
        assert cls.model_fields[name].description or variable == "REALTIME_ENV"
        assert f"| `{variable}` |" in page


def test_the_diagram_of_the_phases_is_current() -> None:
    page = PROTOCOL_PAGE.read_text()
    assert with_diagram(page) == page, "run `make docs`"
