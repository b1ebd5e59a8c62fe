"""What a panel shows, and how it becomes JSON of Grafana.

The JSON is built by Grafana's own SDK, so that the type checker knows its options and their values.

Rejected: JSON exported from Grafana. A panel of ten lines here has eighty there, which nobody
reviews. A builder of our own out of dicts: it would be short, and right only by luck. grafanalib:
its last release is of January 2024.
"""

from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models.common import (
    BigValueGraphMode,
    GraphTresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
)

SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
SYNC: Final = DashboardCursorSync.CROSSHAIR

STAT_HEIGHT: Final = 4
"""In units of Grafana's grid, 30 px each: one figure in large type."""

GRAPH_HEIGHT: Final = 8
"""Grafana's own default for a graph."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel; `queries` are pairs of legend and PromQL."""

    title: str
    description: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    alerts: tuple[str, ...] = ()
    """Alerts that go by what is shown; each links to its section of the runbook."""
    limit: float | None = None
    """From where on the value is red."""
    is_stacked: bool = False
    width: int = 8
    """Of 24."""

    @property
    def text(self) -> str:
        """Return the description with its links."""
        links = [f"[{alert}](${{runbook}}#{alert.lower()})" for alert in self.alerts]
        return self.description + (f"\n\nRunbook: {', '.join(links)}" if links else "")


def as_graph(panel: Panel, number: int) -> timeseries.Panel:
    """Return the panel as lines over time."""
    graph = (
        timeseries.Panel()
        .id(number)
        .title(panel.title)
        .description(panel.text)
        .datasource(SOURCE)
        .unit(panel.unit)
        .min(0)
        .span(panel.width)
        .height(GRAPH_HEIGHT)
        .fill_opacity(30 if panel.is_stacked else 8)
        .line_width(1)
        .legend(_legend())
        .tooltip(_tooltip())
    )
    if panel.is_stacked:
        graph.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    if panel.limit is not None:
        graph.thresholds(_thresholds(panel.limit))
        graph.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.DASHED)
        )
    for query in _queries(panel):
        graph.with_target(query)
    return graph


def as_tile(panel: Panel, number: int) -> stat.Panel:
    """Return the panel as one number, with its course behind it."""
    tile = (
        stat.Panel()
        .id(number)
        .title(panel.title)
        .description(panel.text)
        .datasource(SOURCE)
        .unit(panel.unit)
        .span(panel.width)
        .height(STAT_HEIGHT)
        .graph_mode(BigValueGraphMode.AREA)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(panel.limit))
        .no_value("none")
    )
    for query in _queries(panel):
        tile.with_target(query)
    return tile


def as_row(title: str, number: int) -> dashboard.Row:
    """Return the headline of a section."""
    return dashboard.Row(title).id(number)


def _queries(panel: Panel) -> list[prometheus.Dataquery]:
    return [
        prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(chr(ord("A") + index))
        for index, (legend, expr) in enumerate(panel.queries)
    ]


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(LegendDisplayMode.TABLE)
        .placement(LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
    )


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)


def _thresholds(limit: float | None) -> dashboard.ThresholdsConfig:
    steps = [Threshold(value=None, color="green")]
    if limit is not None:
        steps.append(Threshold(value=limit, color="red"))
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
