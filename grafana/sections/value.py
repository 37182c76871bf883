"""What the system's speed is worth: improvement, time and money saved, cost, efficiency, and classes of systems."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, gauge, headed, stat, table, timeseries
from grafana.queries import Query

_TIMES = Look(unit="suffix:x", decimals=1)
_USD = Look(unit="currencyUSD", decimals=2)
_YES = {"1": ("yes", "green"), "0": ("no", "orange")}


def worth() -> Panel:
    """Return what the system is worth in three figures."""
    return stat(
        "Worth",
        "How many times quicker requests are answered than before (worth.baseline_response_seconds), what the time "
        "saved is worth a year, and the position among the classes of systems below. Less than 1x: slower than "
        "before; see Performance for the reason.",
        queries.asked("system:improvement:factor", "Quicker"),
        queries.asked("system:value_saved_usd:per_year", "A year"),
        queries.asked("system:leader:bool", "Position"),
        look=Look(unit="currencyUSD", decimals=0, steps=((None, "red"), (0, "green"))),
        series={
            "Quicker": Look(unit="suffix:x", decimals=1, steps=((None, "red"), (1, "green"))),
            "Position": Look(words={"1": ("leader", "green"), "0": ("competitive", "blue")}),
        },
    )


def benchmarks() -> Panel:
    """Return each class of systems beside ours."""
    panel = table(
        "Compared with other systems",
        "Classes of systems as they are configured (benchmarks), how many times quicker we answer, and how much more "
        "available we were in a day. Ahead is who is quicker and no less available; a class that we are not ahead of "
        "says by its row which of the two is missing.",
        {
            "Quicker by": Query(_by_class("benchmark:response_advantage:factor")),
            "Its response": Query(queries.gauge(metrics.TARGET_BENCHMARK, ("benchmark",), how="min")),
            "Its availability": Query(queries.gauge(metrics.TARGET_BENCHMARK_AVAILABILITY, ("benchmark",), how="max")),
            "More available": Query(_by_class("benchmark:availability_advantage:difference")),
            "Ahead": Query(_by_class("benchmark:ahead:bool")),
        },
        look=_TIMES,
        series={
            "Its response": Look(unit="s", decimals=1),
            "Its availability": Look(unit="percentunit", decimals=2),
            "More available": Look(unit="percentunit", decimals=2, steps=((None, "orange"), (0, "green")), tinted=True),
            "Ahead": Look(unit="short", words=_YES, tinted=True),
        },
    )
    return headed(panel, {"benchmark": "Class"})


def section() -> Section:
    """Return the row on what is saved, and at what cost."""
    return Section(
        "Value",
        (
            line(5, (2, _saved()), (2, _cost()), (1, _efficiency()), (1, _ahead())),
            line(7, _improvement(), _value(), _cost_over_time()),
        ),
    )


def _by_class(rule: str) -> str:
    return f"max by (benchmark) ({queries.recorded(rule)})"


def _saved() -> Panel:
    return stat(
        "Saved",
        "Time saved against the configured baseline, by request and by day, and its value a day at "
        "worth.usd_per_second_saved. Below zero: slower than the baseline, so that each request costs time.",
        queries.asked("system:time_saved_seconds:per_request", "A request"),
        queries.asked("system:time_saved_seconds:per_day", "A day"),
        queries.asked("system:value_saved_usd:per_day", "Value a day"),
        look=Look(unit="s", decimals=2, steps=((None, "red"), (0, "green"))),
        series={
            "A day": Look(unit="s", decimals=1),
            "Value a day": Look(unit="currencyUSD", decimals=0),
        },
    )


def _cost() -> Panel:
    return stat(
        "Cost of requests",
        "Requests a day at the mean pace of the last day, and what they cost at worth.usd_per_request. Cost that grows "
        "faster than the revenue: ask which requests are needed.",
        queries.asked("system:requests:per_day", "Requests a day"),
        queries.asked("system:request_cost_usd:per_day", "Cost a day"),
        look=Look(unit="short", decimals=1),
        series={"Cost a day": _USD},
    )


def _efficiency() -> Panel:
    return gauge(
        "Efficiency",
        "Requests a second as a share of the configured full load (worth.full_load_requests_per_second), from 0 to "
        "100. Low: more is paid for than is used. At 100: see headroom on Operations.",
        queries.asked("system:efficiency:score", "score"),
        look=Look(unit="none", decimals=0, color="blue", low=0, high=100),
    )


def _ahead() -> Panel:
    leader = queries.gauge(metrics.TARGET_LEADER, how="max")
    return stat(
        "Classes ahead of",
        "Number of classes of systems that we are ahead of, and the number that makes a leader. Fewer: the table of "
        "classes says which one is quicker or more available.",
        queries.asked("system:benchmarks_ahead:count", "Ahead of"),
        Query(queries.or_unknown(leader), "Leader from"),
        look=Look(unit="none", decimals=0),
    )


def _improvement() -> Panel:
    return timeseries(
        "Times quicker over time",
        "How many times quicker than the configured baseline a minute's requests were answered, on average. A fall: "
        "slower answers; compare with the marks of deployments and alerts, and look at Performance.",
        Query(queries.recorded("system:improvement:factor"), "times quicker"),
        look=Look(unit="suffix:x", low=0),
        draw=Draw(legend=False),
    )


def _value() -> Panel:
    return timeseries(
        "Value a day",
        "What the time saved is worth a day, at the pace of requests of the day before each moment. It falls with "
        "slower answers and with fewer requests: the two charts beside it say which.",
        Query(queries.recorded("system:value_saved_usd:per_day"), "saved"),
        look=_USD,
        draw=Draw(legend=False),
    )


def _cost_over_time() -> Panel:
    return timeseries(
        "Cost a day",
        "What the requests of the day before each moment cost, at worth.usd_per_request. It grows with their number "
        "alone: find out who asks so much before you pay for more.",
        Query(queries.recorded("system:request_cost_usd:per_day"), "cost"),
        look=Look(unit="currencyUSD", decimals=2, color="orange", low=0),
        draw=Draw(legend=False),
    )
