"""Where the own API is going: the later half of a window against the earlier one."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, stat, state_timeline, timeseries
from grafana.queries import Query

DIRECTION = Look(words={"-1": ("degrading", "red"), "0": ("steady", "green"), "1": ("improving", "green")})
_CHANGE = Look(unit="percentunit", decimals=1)
_LONG = {"30m": "half an hour", "60m": "an hour"}
_CHANGES = {
    "Response time": "system:response_seconds:change",
    "Requests": "system:requests:change",
    "Failing": "system:request_errors:change",
}


def section() -> Section:
    """Return the row on trends."""
    return Section(
        "Trends",
        (line(7, (1, _changes("30m")), (1, _changes("60m")), (2, _over_time()), (2, _directions())),),
    )


def now() -> Panel:
    """Return whether it gets better or worse."""
    return stat(
        "Trend",
        "Whether responses get quicker or slower, or fail less or more, within the last half hour and hour: their "
        "later half against the earlier. Degrading: see in Trends what changed, then what was deployed. No data: the "
        "window is not full yet.",
        *(Query(queries.or_unknown(queries.recorded(f"system:trend:level{window}")), window) for window in _LONG),
        look=DIRECTION,
    )


def _changes(window: str) -> Panel:
    return stat(
        f"Changes in {window}",
        f"The later half of {_LONG[window]} against the earlier: response time and requests as a share of what they "
        "were, and how much more of the requests failed. Slower with more requests: it is load, add capacity. Slower "
        "with as many: something else changed.",
        *(Query(queries.or_unknown(queries.recorded(f"{rule}{window}")), name) for name, rule in _CHANGES.items()),
        look=_CHANGE,
        series={"Failing": Look(unit="percentunit", decimals=2)},
    )


def _over_time() -> Panel:
    limit = queries.gauge(metrics.TARGET_TREND, how="min", signal="response_seconds")
    return timeseries(
        "Changes over time",
        "The same within an hour, over time; beyond the dashed lines a change of the response time is a trend "
        "(targets.trend). A change that comes at the same time every day is the day, not a fault.",
        *(Query(queries.recorded(f"{rule}60m"), name) for name, rule in _CHANGES.items()),
        Query(limit, "slower"),
        Query(f"0 - {limit}", "quicker"),
        look=_CHANGE,
        draw=Draw(fill=0),
        series={"slower": LIMIT, "quicker": LIMIT},
    )


def _directions() -> Panel:
    return state_timeline(
        "Trend over time",
        "Whether it got better or worse, by half an hour and by an hour. One that comes back at the same time every "
        "day: a job that runs then; many short ones: a service that is near its limit.",
        *(Query(queries.recorded(f"system:trend:level{window}"), window) for window in _LONG),
        look=DIRECTION,
    )
