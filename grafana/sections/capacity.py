"""How long what there is will do: what is in use, what is left, how it grows, and when nothing is left."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, bargauge, headed, stat, table, timeseries
from grafana.queries import Query

_RESOURCE = "{{resource}}"
_MORE = {"0": ("enough", "green"), "1": ("more soon", "orange"), "2": ("more now", "red")}
_SHARE = Look(unit="percentunit", decimals=0, low=0, high=1)
_RUNS_OUT = f"1000 * {queries.recorded('resource:exhaustion:timestamp_seconds')}"  # Grafana's dates are milliseconds
_DATE = Look(unit="dateTimeAsIso")


def headroom() -> Panel:
    """Return the share of each resource that is left."""
    return bargauge(
        "Headroom",
        "Share of each resource that is left: processor, memory, network and requests of the configured capacity. "
        "What to do about little of it stands in scaling; without a capacity in the configuration there is no figure.",
        Query(queries.recorded("resource:headroom:ratio"), _RESOURCE),
        look=Look(unit="percentunit", decimals=0, low=0, high=1, color="blue"),
    )


def scaling() -> Panel:
    """Return whether more of a resource is needed, and how urgently."""
    return stat(
        "Scaling",
        "Whether more of a resource is needed: soon above capacity.scale_at of it, now above the urgent share. Add "
        "what is named, or move load away; both take a while, so begin before it is urgent.",
        Query(queries.recorded("resource:scaling:urgency"), _RESOURCE),
        look=Look(unit="none", words=_MORE),
    )


def exhaustion() -> Panel:
    """Return when nothing is left of what grows."""
    return stat(
        "Runs out",
        "When nothing is left of a resource if it goes on growing as it does. No data: nothing grows so that it would "
        "run out within a year, or six hours are not known yet. A date within weeks: plan for more now.",
        Query(_RUNS_OUT, _RESOURCE),
        look=_DATE,
    )


def section() -> Section:
    """Return the row on capacity."""
    return Section("Capacity", (line(7, (1, _in_use()), (1, _resources())), line(6, _load(), _growth())))


def _in_use() -> Panel:
    return timeseries(
        "Capacity in use",
        "Share of each resource in use; beyond the dashed line more of it is needed at once. A line that climbs day "
        "by day: see when it runs out, and add before.",
        Query(queries.recorded("resource:utilization:ratio"), _RESOURCE),
        Query(queries.gauge(metrics.TARGET_SCALE_URGENT, how="min"), "urgent"),
        look=_SHARE,
        draw=Draw(fill=0),
        series={"urgent": LIMIT},
    )


def _resources() -> Panel:
    scale_at = queries.gauge(metrics.TARGET_SCALE, ("resource",), how="min")
    panel = table(
        "Resources",
        "What is in use and left of each resource, the share above which more is needed, how it grows a day, and when "
        "nothing is left. Growth that began less than a day ago is counted too low.",
        {
            "In use": Query(_by_resource("resource:utilization:ratio")),
            "More above": Query(scale_at),
            "Left": Query(_by_resource("resource:headroom:ratio")),
            "More": Query(_by_resource("resource:scaling:urgency")),
            "A day": Query(_by_resource("resource:utilization:per_day")),
            "Runs out": Query(f"max by (resource) ({_RUNS_OUT})"),
        },
        look=Look(unit="percentunit", decimals=1),
        series={"More": Look(unit="short", words=_MORE, tinted=True), "Runs out": _DATE},
    )
    return headed(panel, {"resource": "Resource"})


def _by_resource(rule: str) -> str:
    return f"max by (resource) ({queries.recorded(rule)})"


def _load() -> Panel:
    return timeseries(
        "Load against capacity",
        "Requests a second, and bytes a second in the busier direction of the busiest machine, with the configured "
        "capacity of each. Above half of it at a normal hour: a busy one may need more than there is.",
        Query(queries.recorded("resource:load:rate5m", resource="requests"), "requests"),
        Query(queries.gauge(metrics.TARGET_CAPACITY, how="min", resource="requests"), "requests at most"),
        Query(queries.recorded("resource:load:rate5m", resource="network"), "network"),
        Query(queries.gauge(metrics.TARGET_CAPACITY, how="min", resource="network"), "network at most"),
        look=Look(unit="suffix:/s", low=0),
        draw=Draw(fill=0),
        series={
            "requests at most": LIMIT,
            "network": Look(unit="Bps"),
            "network at most": Look(unit="Bps", color="purple", dashed=True),
        },
    )


def _growth() -> Panel:
    return timeseries(
        "Growth a day",
        "By what share of it the use of each resource grows a day, by the line through six hours and since yesterday, "
        "whichever is less. Below zero it falls. Steadily above: divide what is left by it for the days that remain.",
        Query(queries.recorded("resource:utilization:per_day"), _RESOURCE),
        look=Look(unit="percentunit", decimals=1),
        draw=Draw(fill=0),
    )
