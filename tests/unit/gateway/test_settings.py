"""GATEWAY_* settings."""

import pytest

from gateway.settings import GatewaySettings
from shared.settings.realtime import load_settings
from tests.support.environment import refusal, set_environment


def test_defaults_are_safe_for_production(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)
    settings = load_settings(GatewaySettings)
    assert settings.env == "production"
    assert settings.allowed_origins == ()
    assert (settings.host, settings.internal_host) == ("127.0.0.1", "127.0.0.1")


def test_origins_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(
        monkeypatch, GATEWAY_ALLOWED_ORIGINS="https://app.example.com, http://localhost:5173,"
    )
    settings = load_settings(GatewaySettings)
    assert settings.allowed_origins == ("https://app.example.com", "http://localhost:5173")


@pytest.mark.parametrize(
    "origins",
    [
        "*",
        "https://app.example.com,*",
        "https://*.example.com",
        "https://.*[.]example[.]com",
        "https://app.example.com/",
        "https://app.example.com/page",
        "https://ada@app.example.com",
        "app.example.com",
        "null",
        "https://app.example.com?x",
    ],
)
def test_B130_production_takes_exact_origins_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], origins: str
) -> None:
    set_environment(monkeypatch, GATEWAY_ALLOWED_ORIGINS=origins)
    line = refusal(GatewaySettings, capsys)
    assert line.startswith("fanwire: GATEWAY_ALLOWED_ORIGINS must list")


def test_B130_dev_may_allow_any_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, REALTIME_ENV="dev", GATEWAY_ALLOWED_ORIGINS="*")
    assert load_settings(GatewaySettings).allowed_origins == ("*",)


def test_B132_a_heartbeat_must_reach_the_proxy_before_it_cuts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_environment(monkeypatch, GATEWAY_HEARTBEAT_MS="30001")
    line = refusal(GatewaySettings, capsys)
    assert line.startswith("fanwire: GATEWAY_HEARTBEAT_MS (30001) must be at most half of")


def test_the_two_ports_differ(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_environment(monkeypatch, GATEWAY_PORT="9000", GATEWAY_INTERNAL_PORT="9000")
    line = refusal(GatewaySettings, capsys)
    assert line.startswith("fanwire: GATEWAY_INTERNAL_PORT (9000) must differ")


def test_a_burst_is_at_least_a_second_s_worth(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_environment(monkeypatch, GATEWAY_MESSAGE_BURST="10")
    line = refusal(GatewaySettings, capsys)
    assert line.startswith("fanwire: GATEWAY_MESSAGE_BURST (10) must be at least")


def test_a_service_called_gateway_is_told_apart_from_the_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_environment(monkeypatch, GATEWAY_PORT="tcp://10.96.0.7:8000")
    assert "enableServiceLinks: false" in refusal(GatewaySettings, capsys)
