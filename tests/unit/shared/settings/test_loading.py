"""Unknown variables, numbers, and what Kubernetes puts into an environment."""

import pytest
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings.loading import EnvSettings, load_settings, read_settings, variable_names
from tests.support.environment import refusal


class TrialSettings(EnvSettings):
    """Settings of nothing, to try the loading on."""

    model_config = SettingsConfigDict(env_prefix="TRIAL_")

    port: int = Field(8000, ge=1, le=65_535)
    share: float = Field(0.5, ge=0, le=1, allow_inf_nan=False)
    name: str = Field("x", validation_alias="OTHER_NAME")


def test_defaults_hold_where_nothing_is_set() -> None:
    assert load_settings(TrialSettings).port == 8000


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_PORT", "")
    assert load_settings(TrialSettings).port == 8000


def test_a_variable_may_have_another_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_NAME", "y")
    assert load_settings(TrialSettings).name == "y"
    assert variable_names(TrialSettings)["name"] == "OTHER_NAME"


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("many", "a whole number"),
        ("-1", "at least 1"),
        ("0", "at least 1"),
        ("NaN", "a whole number"),
        ("1e9", "a whole number"),
        ("1000000000", "at most 65535"),
        ("9" * 5000, "a whole number"),
        ("80.5", "a whole number"),
    ],
)
def test_B125_numbers_are_whole_and_within_bounds(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    value: str,
    complaint: str,
) -> None:
    monkeypatch.setenv("TRIAL_PORT", value)
    assert refusal(TrialSettings, capsys).startswith(f"fanwire: TRIAL_PORT must be {complaint}")


@pytest.mark.parametrize("value", ["nan", "inf", "half", "2"])
def test_B125_fractions_as_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    monkeypatch.setenv("TRIAL_SHARE", value)
    assert refusal(TrialSettings, capsys).startswith("fanwire: TRIAL_SHARE must be")


def test_B124_an_unknown_variable_is_refused_with_the_likely_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAL_PROT", "1")
    assert refusal(TrialSettings, capsys) == (
        "fanwire: TRIAL_PROT is not a setting; did you mean TRIAL_PORT?"
    )


def test_B124_nothing_is_suggested_where_nothing_is_alike(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAL_ZZZZZZZZZZZZ", "1")
    assert refusal(TrialSettings, capsys) == "fanwire: TRIAL_ZZZZZZZZZZZZ is not a setting"


def test_variables_of_other_programs_are_none_of_our_business(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TRIALS_PORT", "x")
    monkeypatch.setenv("FOREIGN_PORT", "x")
    load_settings(TrialSettings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TRIAL_PORT", "tcp://10.96.0.7:8000"),
        ("TRIAL_SERVICE_HOST", "10.96.0.7"),
        ("TRIAL_SERVICE_PORT", "8000"),
        ("TRIAL_SERVICE_PORT_HTTP", "8000"),
        ("TRIAL_PORT_8000_TCP", "tcp://10.96.0.7:8000"),
        ("TRIAL_PORT_8000_TCP_ADDR", "10.96.0.7"),
        ("TRIAL_INTERNAL_PORT", "tcp://10.96.0.7:8001"),
    ],
)
def test_a_service_link_is_explained(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
) -> None:
    monkeypatch.setenv(variable, value)
    line = refusal(TrialSettings, capsys)
    assert line.startswith(f"fanwire: {variable} was set by Kubernetes")
    assert "enableServiceLinks: false" in line


def test_a_value_is_not_repeated_since_it_may_be_a_misplaced_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAL_PORT", "hunter2")
    monkeypatch.setenv("TRIAL_SHARE", "hunter2")
    assert "hunter2" not in refusal(TrialSettings, capsys)


def test_reading_without_the_exit_is_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIAL_PORT", "81")
    assert read_settings(TrialSettings).port == 81
