"""What is promised, and how fast the failures that it allows are used up."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, headed, stat, table, timeseries
from grafana.queries import Query

_LEGEND = "{{slo}} {{exchange}}"
_LEFT = Look(unit="percentunit", decimals=0, steps=((None, "red"), (0, "orange"), (0.25, "green")))
_BURN = Look(unit="suffix:x", decimals=1, steps=((None, "green"), (1, "orange"), (6, "red")))
_WINDOWS = ("3d", "6h", "1h")  # a longer one is known later


def section() -> Section:
    """Return the row on objectives."""
    return Section("Promises", (line(8, _table(), _burning("1h", "fast"), _burning("6h", "medium")),))


def now() -> Panel:
    """Return what is left of the error budgets, and how fast the hungriest burns."""
    return stat(
        "Error budget",
        "What is left of the failures that the most broken promise allows in three days, or in what is known of them, "
        "and how many times faster than it lasts the hungriest one was used in the last hour. Below zero, or above 6: "
        "stop deploying, and find in Promises which one it is.",
        Query(queries.or_unknown(f"min({_left()})"), "Left"),
        Query(queries.or_unknown(f"max({_burn('1h')})"), "Used, 1 h"),
        look=_LEFT,
        series={"Used, 1 h": _BURN},
    )


def _burn(window: str) -> str:
    return queries.recorded(f"slo:burn_rate:{window}")


def _left() -> str:
    """What is left: a burn rate of 1 uses up exactly what its window allows."""
    return f"1 - ({' or '.join(_burn(window) for window in _WINDOWS)})"


def _table() -> Panel:
    panel = table(
        "Error budgets",
        "Of each promise: how many times faster than it lasts its budget was used in an hour, six hours and three "
        "days, and what is left of that of three days, or of what is known of them. 1 uses it up exactly. High for an "
        "hour alone: it has just begun, look at Failed requests; high for three days: mend what fails all the time.",
        {
            "1 h": Query(_plain(_burn("1h"))),
            "6 h": Query(_plain(_burn("6h"))),
            "3 days": Query(_plain(_burn("3d"))),
            "Left": Query(_left()),
        },
        look=Look(unit="suffix:x", decimals=1),
        series={
            "1 h": Look(unit="suffix:x", decimals=1, steps=_BURN.steps, tinted=True),
            "Left": Look(unit="percentunit", decimals=0, steps=_LEFT.steps, tinted=True),
        },
    )
    return headed(panel, {"slo": "Promise"})


def _plain(expr: str) -> str:
    """The same series without their name, which would be a column of the table."""
    return f"max without () ({expr})"


def _burning(window: str, speed: str) -> Panel:
    long = {"1h": "an hour", "6h": "six hours"}[window]
    return timeseries(
        f"Budget used, {window}",
        f"How many times faster than it lasts the error budget of each promise was used in {long}; above the dashed "
        "line an alert fires while it goes on (docs/alert-quality.md). One line alone says what is wrong: latency, "
        "errors, or one exchange.",
        Query(_burn(window), _LEGEND),
        Query(queries.gauge(metrics.TARGET_SLO_BURN, how="min", speed=speed), "alert"),
        look=Look(unit="suffix:x", decimals=1, low=0),
        draw=Draw(fill=0),
        series={"alert": LIMIT},
    )
