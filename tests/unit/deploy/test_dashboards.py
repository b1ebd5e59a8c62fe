"""The Grafana dashboard: current, drawable, and about metrics that exist."""

import json
import re
from typing import Any, Final

import pytest
import yaml

from deploy.grafana.dashboard.page import PATH, RUNBOOK, SECTIONS, all_panels, dashboard_text
from deploy.grafana.dashboard.panel import Panel
from shared.telemetry import names
from shared.telemetry.metric import ToldBy
from tests.support.promql import asked, series_of, served_labels
from tests.support.rules import alert_names, recorded_labels
from tests.support.source_tree import CHECKOUT

PROVISIONING: Final = PATH.parent / "provisioning"
COLUMNS: Final = 24
PAGE: Final[dict[str, Any]] = json.loads(dashboard_text())
DRAWN: Final[list[dict[str, Any]]] = PAGE["panels"]
PANELS: Final = tuple(all_panels())
TITLES: Final = [panel.title for panel in PANELS]


def expressions() -> list[str]:
    return [expression for panel in PANELS for _, expression in panel.queries]


def test_the_dashboard_is_current() -> None:
    assert PATH.read_text() == dashboard_text(), "run `make docs`"


@pytest.mark.parametrize("panel", PANELS, ids=TITLES)
def test_every_series_of_a_panel_exists_with_its_labels(panel: Panel) -> None:
    known = served_labels() | recorded_labels()
    for _, expression in panel.queries:
        found = asked(expression)
        assert found, f"{expression} asks for nothing"
        for series, labels in found:
            assert series in known, f"{series} is not told"
            assert labels <= known[series], f"{series} has no {labels - known[series]}"


@pytest.mark.parametrize("panel", PANELS, ids=TITLES)
def test_a_legend_names_only_labels_that_its_query_keeps(panel: Panel) -> None:
    for legend, expression in panel.queries:
        kept = {label for each in asked(expression) for label in each.labels}
        shown = {part.split("}}")[0] for part in legend.split("{{")[1:]}
        # A series that is shown as it is keeps all its labels.
        of_itself = {"instance", "generation"} if "by (" not in expression else set()
        assert shown <= kept | of_itself, f"{legend} of {expression}"


def test_every_metric_that_prometheus_scrapes_is_on_the_dashboard() -> None:
    seen = {series for expression in expressions() for series, _ in asked(expression)}
    assert [
        metric.name
        for metric in names.METRICS
        if metric.server is not ToldBy.ORGS and not seen & {*series_of(metric)}
    ] == []


def test_what_may_be_any_org_is_not_on_the_dashboard() -> None:
    assert not [expression for expression in expressions() if "realtime_org_" in expression]


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    numbers = [panel["id"] for panel in DRAWN]
    assert len(set(numbers)) == len(numbers) == len(PANELS) + len(SECTIONS)
    taken: set[tuple[int, int]] = set()
    for panel in DRAWN:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= COLUMNS
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken, f"{panel['title']} lies on another"
        taken |= cells


def test_every_panel_has_a_unit_a_description_and_legends() -> None:
    for panel in PANELS:
        assert panel.unit
        assert panel.description.endswith(".")
        assert all(legend for legend, _ in panel.queries)
    for section in SECTIONS:
        titles = [panel.title for panel in section.PANELS]
        assert len({*titles}) == len(titles)


def test_panels_lead_to_alerts_that_exist_and_every_alert_has_a_panel() -> None:
    assert {alert for panel in PANELS for alert in panel.alerts} == alert_names()


def test_queries_use_only_variables_that_the_dashboard_has() -> None:
    defined = {variable["name"] for variable in PAGE["templating"]["list"]}
    assert defined == {"datasource", "instance", "service", "runbook"}
    for expression in expressions():
        for name in expression.split("$")[1:]:
            word = re.split(r'["\])]', name)[0]
            assert word in defined | {"__rate_interval", "__range"}


def test_the_provisioned_sources_are_those_that_are_asked() -> None:
    [sources] = PROVISIONING.glob("datasources/*.yml")
    by_uid = {each["uid"]: each for each in yaml.safe_load(sources.read_text())["datasources"]}
    assert by_uid["prometheus"]["type"] == "prometheus"
    chosen = next(v for v in PAGE["templating"]["list"] if v["name"] == "datasource")
    assert chosen["current"]["value"] in by_uid
    assert "traces" in by_uid


def test_the_dashboard_lies_where_grafana_looks() -> None:
    [providers] = PROVISIONING.glob("dashboards/*.yml")
    [provider] = yaml.safe_load(providers.read_text())["providers"]
    compose = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
    mounted = compose["services"]["grafana"]["volumes"]
    assert f"./deploy/grafana:{provider['options']['path']}:ro" in mounted
    assert (CHECKOUT / RUNBOOK).exists()


def test_the_runbook_names_panels_that_exist() -> None:
    named = re.findall(r"(?<![*\w])\*([A-Z][^*\n]+)\*(?!\*)", (CHECKOUT / RUNBOOK).read_text())
    assert named
    assert {*named} <= {*TITLES}
