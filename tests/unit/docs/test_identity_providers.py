"""The page about identity providers has a section for each preset, whose settings are good."""

import re
from typing import Final

import pytest

from fanwire.auth.token_presets import PRESET_NAMES
from shared.settings.realtime import TokenSettings, load_settings
from tests.support.environment import set_environment
from tests.support.source_tree import CHECKOUT

PAGE: Final = (CHECKOUT / "docs" / "identity_providers.md").read_text()
SECTIONS: Final = {
    found.group(1): section
    for section in PAGE.split("\n## ")[1:]
    if (found := re.search(r"REALTIME_TOKEN_PRESET=(\w+)", section))
}


def test_every_preset_has_a_section() -> None:
    assert tuple(SECTIONS) == PRESET_NAMES
    assert PAGE.count("\n## ") == len(PRESET_NAMES)


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_a_gateway_starts_with_the_settings_of_a_section(
    monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    variables = dict(re.findall(r"^(REALTIME_\w+)=(.+)$", SECTIONS[preset], re.MULTILINE))
    set_environment(monkeypatch, REALTIME_JWT_SECRET="", **variables)
    settings = load_settings(TokenSettings)
    assert settings.token_preset == preset
    assert settings.jwks_url == variables["REALTIME_JWKS_URL"]
