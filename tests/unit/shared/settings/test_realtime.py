"""REALTIME_* settings: what is read, and what ends the start with one line."""

import pytest
from pydantic import ValidationError

from shared.settings.realtime import RealtimeSettings, load_settings
from tests.support.environment import refusal, set_environment


def test_a_redis_url_is_all_that_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)
    settings = load_settings(RealtimeSettings)
    assert settings.redis_url.get_secret_value() == "unix:///run/redis.sock"
    assert settings.key_prefix == ""
    assert settings.disabled_services == frozenset()


def test_who_does_not_say_dev_gets_production(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)
    assert load_settings(RealtimeSettings).env == "production"


def test_settings_cannot_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch)
    settings = load_settings(RealtimeSettings)
    with pytest.raises(ValidationError, match="frozen"):
        settings.key_prefix = "x"  # type: ignore[misc]


@pytest.mark.parametrize("value", ["", None], ids=["empty", "missing"])
def test_B124_a_missing_redis_url_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str | None
) -> None:
    set_environment(monkeypatch, REALTIME_REDIS_URL="")
    if value is None:
        monkeypatch.delenv("REALTIME_REDIS_URL")
    assert refusal(RealtimeSettings, capsys) == "fanwire: REALTIME_REDIS_URL is required"


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("REALTIME_ENV", "staging", "REALTIME_ENV must be 'dev' or 'production'"),
        ("REALTIME_REDIS_INSECURE", "perhaps", "REALTIME_REDIS_INSECURE must be true or false"),
        ("REALTIME_EMERGENCY_DISABLE", "2", "REALTIME_EMERGENCY_DISABLE must be true or false"),
        ("REALTIME_KEY_PREFIX", "a{b}:", "REALTIME_KEY_PREFIX must match"),
        ("REALTIME_KEY_PREFIX", "a b", "REALTIME_KEY_PREFIX must match"),
        ("REALTIME_LOG_LEVEL", "loud", "REALTIME_LOG_LEVEL must be"),
    ],
)
def test_a_wrong_value_is_answered_with_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    value: str,
    line: str,
) -> None:
    set_environment(monkeypatch, **{variable: value})
    assert refusal(RealtimeSettings, capsys).startswith(f"fanwire: {line}")


@pytest.mark.parametrize(
    "url",
    ["redis://cache", "rediss://cache", "redis://:pw@cache", "redis+sentinel://:pw@one/main"],
)
def test_B126_production_wants_tls_and_a_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    set_environment(monkeypatch, REALTIME_REDIS_URL=url)
    assert refusal(RealtimeSettings, capsys).startswith("fanwire: REALTIME_REDIS_URL must use")
    monkeypatch.setenv("REALTIME_REDIS_INSECURE", "true")
    load_settings(RealtimeSettings)


@pytest.mark.parametrize(
    ("env", "url"),
    [
        ("dev", "redis://cache"),
        ("production", "rediss://:pw@cache"),
        ("production", "unix:///s"),
        ("dev", "redis+sentinel://one,two:5000/main"),
        ("production", "rediss+sentinel://:pw@one,two:5000/main"),
    ],
)
def test_B126_what_is_safe_enough_is_taken(
    monkeypatch: pytest.MonkeyPatch, env: str, url: str
) -> None:
    set_environment(monkeypatch, REALTIME_ENV=env, REALTIME_REDIS_URL=url)
    load_settings(RealtimeSettings)


@pytest.mark.parametrize(
    "url",
    [
        "cache:6379",
        "http://cache",
        "redis://:hunter2-hunter2@",
        "redis://cache:port",
        "unix:",
        "redis+sentinel://:hunter2@one",
        "redis+sentinel://:hunter2@one:port/main",
    ],
)
def test_an_unusable_redis_url_is_refused_without_being_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    set_environment(monkeypatch, REALTIME_ENV="dev", REALTIME_REDIS_URL=url)
    line = refusal(RealtimeSettings, capsys)
    assert line.startswith("fanwire: REALTIME_REDIS_URL must")
    assert "hunter2" not in line


def test_several_mistakes_are_told_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_environment(monkeypatch, REALTIME_REDIS_URL="", REALTIME_ENV="staging")
    line = refusal(RealtimeSettings, capsys)
    assert "REALTIME_REDIS_URL is required" in line
    assert "REALTIME_ENV must be" in line


def test_a_secret_is_not_shown_by_printing_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, REALTIME_REDIS_URL="rediss://:hunter2@cache")
    settings = load_settings(RealtimeSettings)
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_services_are_switched_off_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(
        monkeypatch, REALTIME_DISABLE_GUEST_CHECKIN="true", REALTIME_DISABLE_TASKS="false"
    )
    assert load_settings(RealtimeSettings).disabled_services == {"GUEST_CHECKIN"}


@pytest.mark.parametrize("name", ["realtime_disable_tasks", "REALTIME_DISABLE_tasks"])
def test_a_switch_is_read_in_whatever_letters_it_is_spelled(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    set_environment(monkeypatch, **{name: "1"})
    assert load_settings(RealtimeSettings).deployed_switches.is_off("tasks")


def test_a_name_with_a_dash_switches_its_service_off(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, **{"REALTIME_DISABLE_guest-checkin": "1"})
    assert load_settings(RealtimeSettings).deployed_switches.is_off("guest-checkin")


@pytest.mark.parametrize("name", ["REALTIME_DISABLE_", "REALTIME_DISABLE__TASKS"])
def test_a_switch_of_no_possible_service_is_refused_with_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    set_environment(monkeypatch, **{name: "1"})
    assert f"{name} must end in the name of a service" in refusal(RealtimeSettings, capsys)


def test_a_switch_that_is_none_is_refused_with_what_was_meant(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_environment(monkeypatch, REALTIME_EMERGENCY_DISABEL="1")
    line = refusal(RealtimeSettings, capsys)
    assert "REALTIME_EMERGENCY_DISABEL is not a setting" in line
    assert "did you mean REALTIME_EMERGENCY_DISABLE?" in line


def test_an_illegible_switch_ends_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_environment(monkeypatch, REALTIME_DISABLE_TASKS="maybe")
    line = refusal(RealtimeSettings, capsys)
    assert line == "fanwire: REALTIME_DISABLE_TASKS must be true or false"
