"""The rules of deploy/prometheus, read from their files."""

import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.support.source_tree import CHECKOUT

PROMETHEUS: Final = CHECKOUT / "deploy/prometheus"
RULE_FILES: Final = tuple(sorted(PROMETHEUS.glob("rules/*.yml")))
TEST_FILES: Final = tuple(sorted(PROMETHEUS.glob("tests/*.yml")))


@cache
def all_rules() -> tuple[dict[str, Any], ...]:
    """Return every rule, recording and alerting."""
    return tuple(
        rule
        for file in RULE_FILES
        for group in read_yaml(file)["groups"]
        for rule in group["rules"]
    )


def alerts() -> list[dict[str, Any]]:
    """Return the alerting rules."""
    return [rule for rule in all_rules() if "alert" in rule]


def alert_names() -> set[str]:
    """Return the names of the alerts."""
    return {rule["alert"] for rule in alerts()}


def recorded_labels() -> dict[str, set[str]]:
    """Return the recorded series with the labels that they are grouped by."""
    recorded = {rule["record"]: rule["expr"] for rule in all_rules() if "record" in rule}
    return {
        name: {
            label.strip()
            for group in re.findall(r"\bby \(([^)]*)\)", expression)
            for label in group.split(",")
        }
        - {"le"}
        for name, expression in recorded.items()
    }


def read_yaml(path: Path) -> Any:
    """Return a file's content."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))
