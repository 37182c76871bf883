"""The kinds of panels but for those that put the answers of several queries into one table."""

from __future__ import annotations

from dataclasses import replace

from grafana.panels.looks import (
    LINES,
    NO_DATA,
    NO_SERIES,
    Draw,
    Look,
    SeriesLooks,
    color_of,
    fields_of,
    legend_of,
    lines_of,
    words_of,
)
from grafana.panels.panel import Panel, targets_of
from grafana.queries import Query

_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def timeseries(
    title: str,
    description: str,
    *queries: Query,
    look: Look,
    draw: Draw = LINES,
    series: SeriesLooks = NO_SERIES,
) -> Panel:
    """Return lines or bars over time; ``series`` maps legends to a look of their own."""
    color = color_of(look) or {"mode": "thresholds" if draw.by_value else "palette-classic"}
    fields = fields_of(look, series, color=color, mappings=words_of(look), custom=lines_of(draw))
    options = {"legend": legend_of(shown=draw.legend), "tooltip": {"mode": "multi", "sort": "desc"}}
    return Panel("timeseries", title, description, targets_of(queries), fields, options)


def stat(
    title: str,
    description: str,
    *queries: Query,
    look: Look,
    series: SeriesLooks = NO_SERIES,
    names: bool = False,
) -> Panel:
    """Return large figures side by side, each under its legend; ``names`` shows the legends alone."""
    several = len(queries) > 1 or "{{" in queries[0].legend
    options = {
        "reduceOptions": _LAST,
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "name" if names else "value_and_name" if several else "value",
        "justifyMode": "auto",
        "orientation": "auto",
    }
    targets = targets_of(queries, instant=True)
    return Panel("stat", title, description, targets, fields_of(look, series), options)


def filled(panel: Panel) -> Panel:
    """Return the stat panel as cards in the colour of their values."""
    return replace(panel, options=panel.options | {"colorMode": "background"})


def gauge(title: str, description: str, *queries: Query, look: Look) -> Panel:
    """Return a dial for each series, from ``look.low`` to ``look.high``."""
    options = {
        "reduceOptions": _LAST,
        "showThresholdLabels": False,
        "showThresholdMarkers": True,
        "orientation": "auto",
    }
    return Panel("gauge", title, description, targets_of(queries, instant=True), fields_of(look), options)


def bargauge(title: str, description: str, *queries: Query, look: Look, series: SeriesLooks = NO_SERIES) -> Panel:
    """Return one horizontal bar for each series."""
    options = {
        "reduceOptions": _LAST,
        "orientation": "horizontal",
        "displayMode": "gradient",
        "showUnfilled": True,
    }
    targets = targets_of(queries, instant=True)
    return Panel("bargauge", title, description, targets, fields_of(look, series), options)


def state_timeline(title: str, description: str, *queries: Query, look: Look) -> Panel:
    """Return a bar over time for each series, coloured and labelled by ``look.words``."""
    options = {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "center",
        "rowHeight": 0.9,
        "legend": legend_of(shown=False),
    }
    fields = fields_of(look, mappings=words_of(look), custom={"fillOpacity": 80, "lineWidth": 0})
    return Panel("state-timeline", title, description, targets_of(queries), fields, options)


def heatmap(title: str, description: str, query: Query, *, unit: str) -> Panel:
    """Return a histogram's buckets over time, coloured by how many are in each; ``query`` is by ``le``."""
    options = {
        "calculate": False,
        "color": {
            "mode": "scheme",
            "scheme": "Spectral",
            "steps": 64,
            "reverse": True,
            "fill": "dark-orange",
            "exponent": 0.5,
            "scale": "exponential",
        },
        "yAxis": {"unit": unit, "axisPlacement": "left"},
        "cellGap": 1,
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"mode": "single", "yHistogram": True},
        "legend": {"show": True},
        "filterValues": {"le": 1e-9},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "showValue": "never",
    }
    fields = {"defaults": {"unit": unit, "noValue": NO_DATA}, "overrides": []}
    return Panel("heatmap", title, description, targets_of((query,), shape="heatmap"), fields, options)


def piechart(title: str, description: str, query: Query, *, look: Look, series: SeriesLooks = NO_SERIES) -> Panel:
    """Return a ring with a part for each series."""
    options = {
        "reduceOptions": _LAST,
        "pieType": "donut",
        "displayLabels": ["percent"],
        "legend": {"displayMode": "list", "placement": "right", "showLegend": True, "values": ["value"]},
    }
    fields = fields_of(look, series, color={"mode": "palette-classic"})
    return Panel("piechart", title, description, targets_of((query,), instant=True), fields, options)


def text(title: str, description: str, markdown: str) -> Panel:
    """Return a panel of prose, in Markdown."""
    options = {"mode": "markdown", "content": markdown}
    return Panel("text", title, description, (), {"defaults": {}, "overrides": []}, options)
