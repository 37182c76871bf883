"""Panels, variables and dashboards as JSON: the one place that touches grafanalib.

grafanalib gives the frame (dashboard, panel, target, variable, link). Its options and field settings are
those of older Grafana versions, and it writes ``null`` for what is not set, so both are replaced here:
the shapes here are the ones that Grafana 9.4 and later write themselves, and only keys that those
versions know are kept.

`looks` says how values are written, `panel` what every panel has, `kinds` and `tables` make panels, `frames` what is
around them.
"""

from grafana.panels.frames import (
    Frame,
    alert_annotation,
    dashboard,
    data_source_variable,
    label_variable,
    link,
    span_link,
    tag_links,
    time_annotation,
    with_fixed_source,
)
from grafana.panels.kinds import (
    bargauge,
    filled,
    gauge,
    heatmap,
    piechart,
    stat,
    state_timeline,
    text,
    timeseries,
)
from grafana.panels.looks import (
    FAULTS,
    LIMIT,
    Draw,
    Json,
    Look,
)
from grafana.panels.panel import (
    LONG_STEP,
    STEP,
    Panel,
    Place,
    coarse,
    heading,
    leading,
    place,
)
from grafana.panels.tables import (
    barchart,
    headed,
    table,
)

__all__ = [
    "FAULTS",
    "LIMIT",
    "LONG_STEP",
    "STEP",
    "Draw",
    "Frame",
    "Json",
    "Look",
    "Panel",
    "Place",
    "alert_annotation",
    "barchart",
    "bargauge",
    "coarse",
    "dashboard",
    "data_source_variable",
    "filled",
    "gauge",
    "headed",
    "heading",
    "heatmap",
    "label_variable",
    "leading",
    "link",
    "piechart",
    "place",
    "span_link",
    "stat",
    "state_timeline",
    "table",
    "tag_links",
    "text",
    "time_annotation",
    "timeseries",
    "with_fixed_source",
]
