"""`fanwire config`, which asks the servers' own code in processes of their own."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from fanwire.cli.verbs import config
from tests.support.command_line import Run
from tests.support.environment import set_environment

pytestmark = pytest.mark.slow

SECRET = "production-secret-which-is-long-enough-for-this"
GOOD = {
    "REALTIME_ENV": "dev",
    "REALTIME_REDIS_URL": "redis://user:pass-word@redis.example",
    "REALTIME_JWT_SECRET": SECRET,
    "REALTIME_JWT_ISSUER": "https://issuer.example",
    "REALTIME_JWT_AUDIENCE": "fanwire",
    "GATEWAY_ALLOWED_ORIGINS": "https://a.example,https://b.example",
}


@pytest.fixture(autouse=True)
def _good(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, **GOOD)


def test_every_setting_is_shown_with_its_origin_and_no_secret(run: Run) -> None:
    ran = run("config", "show", "--json")
    assert ran.code == 0
    rows = {row["variable"]: row for row in ran.rows}
    assert (rows["GATEWAY_PORT"]["value"], rows["GATEWAY_PORT"]["origin"]) == (8000, "default")
    origins = rows["GATEWAY_ALLOWED_ORIGINS"]
    assert (origins["value"], origins["origin"]) == (
        "https://a.example,https://b.example",
        "environment",
    )
    assert rows["REALTIME_JWT_SECRET"]["secret"]
    assert "FANOUT_LEASE_MS" in rows
    assert len(rows) == len(ran.rows)
    assert SECRET not in ran.out
    assert "pass-word" not in ran.out


def test_what_the_environment_sets_can_be_shown_alone(run: Run) -> None:
    rows = run("config", "show", "--changed", "--json").rows
    assert {row["variable"] for row in rows} == GOOD.keys()


def test_settings_that_are_good_pass_the_check(run: Run) -> None:
    ran = run("config", "check", "--json")
    assert (ran.code, [row["server"] for row in ran.rows]) == (0, ["gateway", "fanout"])


@pytest.mark.parametrize("verb", ["check", "show"])
def test_a_wrong_setting_is_exit_2_and_the_words_of_the_server(
    run: Run, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setenv("GATEWAY_ALOWED_ORIGINS", "https://a.example")
    ran = run("config", verb, "--for", "gateway")
    assert ran.code == 2
    assert "GATEWAY_ALOWED_ORIGINS is not a setting; did you mean" in ran.err
    assert run("config", verb, "--for", "fanout").code == 0


def test_docs_is_the_committed_page(run: Run) -> None:
    assert run("config", "docs").out == Path("docs/settings.md").read_text()


def test_the_wheel_alone_is_told_what_is_missing(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(config, "CHECKOUT", tmp_path)
    ran = run("config", "check")
    assert ran.code == 1
    assert "only a checkout or an image has" in ran.err


def test_servers_that_do_not_run_are_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def ran(*_: Any, **__: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess([], 1, b"", b"trace\nNo module named 'pydantic'\n")

    monkeypatch.setattr(subprocess, "run", ran)
    told = run("config", "check")
    assert told.code == 1
    assert "No module named 'pydantic'" in told.err
