"""Prometheus' rules: about metrics that exist, each explained in the runbook, tried by promtool."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from fanwire.core.keys import PARTITION_COUNT
from fanwire.publish.high_water import HighWaterLimits
from tests.support.needed import needed
from tests.support.promql import asked, served_labels
from tests.support.rules import (
    PROMETHEUS,
    RULE_FILES,
    TEST_FILES,
    alert_names,
    alerts,
    all_rules,
    read_yaml,
    recorded_labels,
)
from tests.support.source_tree import CHECKOUT

RUNBOOK: Final = "docs/operations.md"
SECTION: Final = re.compile(r"^### (Fanwire\w+)$", re.MULTILINE)
NEXT_CHAPTER: Final = re.compile(r"^## ", re.MULTILINE)
SEVERITIES: Final = {"critical", "warning"}


def name_of(rule: dict[str, Any]) -> str:
    return str(rule.get("alert") or rule["record"])


def runbook_sections() -> dict[str, str]:
    """Return the text of each alert's section."""
    parts = SECTION.split((CHECKOUT / RUNBOOK).read_text(encoding="utf-8"))
    texts = [NEXT_CHAPTER.split(text)[0] for text in parts[2::2]]
    return dict(zip(parts[1::2], texts, strict=True))


@pytest.mark.parametrize("rule", all_rules(), ids=name_of)
def test_every_series_of_a_rule_exists_with_its_labels(rule: dict[str, Any]) -> None:
    known = served_labels() | recorded_labels()
    found = asked(rule["expr"])
    assert found, "it asks for nothing"
    for series, labels in found:
        assert series in known, f"{series} is not told"
        assert labels <= known[series], f"{series} has no {labels - known[series]}"


@pytest.mark.parametrize("alert", alerts(), ids=name_of)
def test_an_alert_says_what_how_bad_and_where_to_read_on(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in SEVERITIES
    notes = alert["annotations"]
    assert notes["runbook_url"] == f"{RUNBOOK}#{alert['alert'].lower()}"
    assert "{{" in notes["description"], "the description has no value"
    assert notes["summary"]


def test_every_alert_has_its_section_in_the_runbook_and_the_other_way_round() -> None:
    assert set(runbook_sections()) == alert_names()


def test_every_section_of_an_alert_has_a_meaning_and_three_first_steps() -> None:
    for alert, section in runbook_sections().items():
        steps = re.findall(r"^(\d)\. ", section, re.MULTILINE)
        assert steps == ["1", "2", "3"], alert
        assert section.strip()[0].isalpha(), f"{alert} does not say what it means"


def test_every_alert_and_every_recording_is_tried() -> None:
    text = " ".join(file.read_text() for file in TEST_FILES)
    assert [name for name in alert_names() if f"alertname: {name}" not in text] == []
    assert not re.findall(r"(?m)^rule_files: (?!\[\.\./rules/)", text)


def test_the_numbers_in_the_rules_are_those_of_the_code() -> None:
    by_name = {rule["alert"]: rule for rule in alerts()}
    unowned = by_name["FanwirePartitionsUnowned"]
    assert unowned["expr"].endswith(f"< {PARTITION_COUNT}")
    assert f"of {PARTITION_COUNT} partitions" in unowned["annotations"]["description"]
    mark = HighWaterLimits().unread_count
    assert f"{mark:,} in one topic" in by_name["FanwireBacklog"]["annotations"]["description"]
    assert f"> {mark // 2}" in by_name["FanwireBacklog"]["expr"]


def test_prometheus_reads_these_rules_and_asks_these_jobs() -> None:
    config = read_yaml(PROMETHEUS / "prometheus.yml")
    read = {path for pattern in config["rule_files"] for path in PROMETHEUS.glob(pattern)}
    assert read == set(RULE_FILES)
    scraped = {job["job_name"] for job in config["scrape_configs"]}
    asked_for = {
        job
        for rule in all_rules()
        for jobs in re.findall(r'job=~?"([^"]*)"', rule["expr"])
        for job in jobs.split("|")
    }
    assert asked_for == {"gateway", "fanout"} <= scraped


@pytest.fixture(scope="module")
def promtool() -> str:
    """Prometheus' own checker."""
    return needed("promtool")


def run(*command: str) -> None:
    """Run a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_accepts_the_configuration_and_its_rules(promtool: str) -> None:
    run(promtool, "check", "config", str(PROMETHEUS / "prometheus.yml"))
    run(promtool, "check", "rules", *map(str, RULE_FILES))


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: file.stem)
def test_the_rules_pass_their_own_tests(file: Path, promtool: str) -> None:
    run(promtool, "test", "rules", str(file))


def test_a_rule_that_does_not_fire_fails_its_test(promtool: str, tmp_path: Path) -> None:
    folder = tmp_path / "prometheus"
    shutil.copytree(PROMETHEUS, folder)
    broken = folder / "rules/alerts.yml"
    text = broken.read_text()
    broken.write_text(
        text.replace("realtime_loop_lag_seconds) > 0.1", "realtime_loop_lag_seconds) > 9")
    )
    assert broken.read_text() != text
    with pytest.raises(AssertionError, match="FanwireLoopLag"):
        run(promtool, "test", "rules", str(folder / "tests/availability.yml"))
