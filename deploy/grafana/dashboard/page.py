"""The dashboard: its variables, its links, and its sections from top to bottom."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from deploy.grafana.dashboard import (
    connections,
    delivery,
    flow_control,
    overview,
    redis_seen,
    replay,
    runtime,
    workers,
)
from deploy.grafana.dashboard.panel import SOURCE, SYNC, Panel, as_graph, as_row, as_tile
from shared.telemetry import names

PATH: Final = Path(__file__).parents[1] / "fanwire.json"
RUNBOOK: Final = "docs/operations.md"
SECTIONS: Final = (
    overview, connections, delivery, flow_control, replay, workers, redis_seen, runtime,
)  # fmt: skip


def all_panels() -> Iterator[Panel]:
    """Yield every panel, from top to bottom."""
    for section in SECTIONS:
        yield from section.PANELS


def dashboard_text() -> str:
    """Return deploy/grafana/fanwire.json."""
    page = (
        dashboard.Dashboard("Fanwire")
        .uid("fanwire")
        .description(
            "From XADD to the browser. Made by `make docs`; edit deploy/grafana/dashboard."
        )
        .tags(["fanwire"])
        .refresh("15s")
        .time("now-1h", "now")
        .timezone("browser")
        .tooltip(SYNC)
        .readonly()
    )
    for variable in _variables():
        page.with_variable(variable)
    page.link(_link("Runbook", "${runbook}", "What each alert means, and what to do first."))
    page.link(_link("Traces", "/explore?left=%7B%22datasource%22:%22traces%22%7D", "By trace id."))
    numbers = count(1)
    for section in SECTIONS:
        page.with_row(as_row(section.TITLE, next(numbers)))
        for panel in section.PANELS:
            draw = as_tile if section is overview else as_graph
            page.with_panel(draw(panel, next(numbers)))
    return JSONEncoder(sort_keys=True, indent=2).encode(page.build()) + "\n"


def _variables() -> Iterator[Builder[VariableModel]]:
    yield (
        dashboard.DatasourceVariable("datasource")
        .label("Prometheus")
        .type("prometheus")
        .current(VariableOption(text="Prometheus", value="prometheus"))
    )
    yield _choice("instance", "Process", 'label_values(up{job=~"gateway|fanout"}, instance)')
    served = names.FANOUT_EVENTS.prometheus_name
    yield _choice("service", "Service", f"label_values({served}, service)")
    yield (
        dashboard.TextBoxVariable("runbook")
        .label("Address of the runbook")
        .description("Where you publish docs/operations.md.")
        .default_value(RUNBOOK)
        .current(VariableOption(text=RUNBOOK, value=RUNBOOK))
    )


def _choice(name: str, label: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(text="All", value="$__all", selected=True))
    )


def _link(title: str, url: str, tooltip: str) -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink(title)
        .type(DashboardLinkType.LINK)
        .url(url)
        .tooltip(tooltip)
        .icon("external link")
        .target_blank(True)
    )
