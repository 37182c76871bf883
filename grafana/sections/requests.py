"""The trading system's own API: how quick, how busy, how often it fails."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, headed, heatmap, stat, table, timeseries
from grafana.queries import RANGE, Query

CRITICAL = Look(color="red", dashed=True)
OF_PROMISE = Look(unit="percentunit", decimals=0, steps=((None, "green"), (0.8, "orange"), (1, "red")))
_RATIO = Look(unit="percentunit", decimals=2, low=0)
_SECONDS = Look(unit="s", low=0)
_PER_SECOND = Look(unit="suffix:/s", low=0)
_LINES = Draw(fill=0)
_ROUTE = ("app", "route")
_PROMISED = {"average": "mean1m", "p95": "p95_5m", "p99": "p99_5m"}
_PROMISED_ERRORS = queries.gauge(metrics.TARGET_ERRORS, how="min", severity="promised")


def requests() -> Section:
    """Return the row on apps and routes."""
    return Section(
        "Own API by app and route",
        (
            line(8, _by_app(), _throughput(), _statuses()),
            line(8, (2, _errors()), (3, _routes()), (3, _failing_routes())),
        ),
    )


def response_now() -> Panel:
    """Return the figure that says whether we are fast enough."""
    figures = {"Mean": "mean1m", "p50": "p50_5m", "p95": "p95_5m", "p99": "p99_5m"}
    return stat(
        "Response time",
        "The mean of the last minute, and what half, 95 % and 99 % of the requests of five minutes did not exceed; "
        "then the worst of them as a share of what is promised (targets.response_seconds). Above 100 %: find the route "
        "in Slowest routes, then look at caches, exchanges and the machine. No data: nobody asks, or nobody tells.",
        *(Query(queries.or_unknown(_system(window)), name) for name, window in figures.items()),
        Query(queries.or_unknown(_worst_of_promise()), "Of promise"),
        look=Look(unit="s"),
        series={"Of promise": OF_PROMISE},
    )


def throughput_now() -> Panel:
    """Return the figure that says how much goes through."""
    return stat(
        "Throughput",
        "Requests a second in the last minute, as a share of capacity.requests_per_second, and how many a day it makes "
        "by the last day's mean. Need of more: see capacity in Operations, and scale before it is used up. A fall to "
        "nothing: look whether those who ask can reach us.",
        Query(queries.or_unknown(queries.recorded("system:requests:rate1m")), "Requests"),
        Query(queries.or_unknown(_of_capacity("resource:utilization:ratio")), "Of capacity"),
        Query(queries.or_unknown(_of_capacity("resource:scaling:urgency")), "Need of more"),
        Query(queries.or_unknown(queries.recorded("system:requests:per_day")), "A day"),
        look=_PER_SECOND,
        series={
            "Of capacity": Look(unit="percentunit", decimals=1),
            "Need of more": Look(words={"0": ("none", "green"), "1": ("soon", "orange"), "2": ("urgent", "red")}),
            "A day": Look(unit="short", decimals=1),
        },
    )


def failures_now() -> Panel:
    """Return the figure that says what fails."""
    five = queries.recorded("system:request_errors:ratio_rate5m")
    return stat(
        "Failures",
        "Share of requests answered with a 5xx in the last minute and in five, what is promised at most "
        "(targets.error_ratio), and the share of that which five minutes used. Above 100 %: find the route in Failed "
        "requests by route, and see its service's log.",
        Query(queries.or_unknown(queries.recorded("system:request_errors:ratio_rate1m")), "1 min"),
        Query(queries.or_unknown(five), "5 min"),
        Query(queries.or_unknown(_PROMISED_ERRORS), "Promised"),
        Query(queries.or_unknown(f"{five} / {_PROMISED_ERRORS}"), "Of promise"),
        look=_RATIO,
        series={"Of promise": OF_PROMISE},
    )


def distribution() -> Panel:
    """Return how the response times of all requests are distributed, over time."""
    return heatmap(
        "Distribution of response times",
        "Requests a second by response time, over five minutes; the scale below says which colour is how many. Two "
        "bands: two kinds of requests, such as those that a cache answers and those that it cannot. A band that "
        "climbs: all get slower.",
        Query(queries.recorded("le:response_seconds_bucket:rate5m"), "{{le}}"),
        unit="s",
    )


def quantiles() -> Panel:
    """Return mean and quantiles of response time over time, with what is promised of them."""
    lines = {"mean": "mean1m", "p50": "p50_5m", "p95": "p95_5m", "p99": "p99_5m"}
    colors = {"mean": "blue", "p95": "dark-yellow", "p99": "purple"}
    return timeseries(
        "Response time over time",
        "Mean of a minute, and what half, 95 % and 99 % of the requests of five minutes did not exceed; dashed in the "
        "same colour, what is promised of it. All high: the machine is busy or a dependency is slow. The last alone: "
        "look for single slow routes.",
        *(Query(_system(window), name) for name, window in lines.items()),
        *(Query(_promise(statistic), f"{statistic} promised") for statistic in _PROMISED),
        look=_SECONDS,
        draw=_LINES,
        series={
            **{name: Look(color=color) for name, color in colors.items()},
            "p50": Look(color="green"),
            "average promised": Look(color="blue", dashed=True),
            "p95 promised": Look(color="dark-yellow", dashed=True),
            "p99 promised": Look(color="purple", dashed=True),
        },
    )


def _system(window: str) -> str:
    return queries.recorded(f"system:response_seconds:{window}")


def _of_capacity(rule: str) -> str:
    return f"max({queries.recorded(rule, resource='requests')})"


def _promise(statistic: str) -> str:
    return queries.gauge(metrics.TARGET_RESPONSE, how="min", statistic=statistic)


def _worst_of_promise() -> str:
    shares = (
        f'label_replace({_system(window)} / {_promise(statistic)}, "of", "{statistic}", "", "")'
        for statistic, window in _PROMISED.items()
    )
    return f"max({' or '.join(shares)})"


def _by_app() -> Panel:
    return timeseries(
        "Response time p95 by app",
        "95 % of the requests of five minutes to each app took no longer; the dashed line is what is promised. One app "
        "above it alone: that one, not the machine, is slow.",
        Query(queries.recorded("app:response_seconds:p95_5m"), "{{app}}"),
        Query(_promise("p95"), "promised"),
        look=_SECONDS,
        draw=_LINES,
        series={"promised": LIMIT},
    )


def _throughput() -> Panel:
    return timeseries(
        "Requests by app",
        "Requests a second that your own services answered. A fall to nothing: one is away, or does not report.",
        Query(queries.recorded("app:requests:rate1m"), "{{app}}"),
        look=_PER_SECOND,
        draw=_LINES,
    )


def _statuses() -> Panel:
    return timeseries(
        "Requests by status",
        "Requests a second by app and status of the answer. 4xx that climb: somebody asks wrongly, or was refused too "
        "often (429); 5xx are ours: see Failed requests by route.",
        Query(queries.recorded("app_status:requests:rate1m"), "{{app}} {{status}}"),
        look=_PER_SECOND,
        draw=Draw(bars=True, stacked=True),
    )


def _errors() -> Panel:
    return timeseries(
        "Failed requests",
        "Share of requests answered with a 5xx in five minutes, by app and of all; the dashed lines are what is "
        "promised and what is critical. Above the promise: see the service's log for the route that fails.",
        Query(queries.recorded("app:request_errors:ratio_rate5m"), "{{app}}"),
        Query(queries.recorded("system:request_errors:ratio_rate5m"), "all"),
        Query(_PROMISED_ERRORS, "promised"),
        Query(queries.gauge(metrics.TARGET_ERRORS, how="min", severity="critical"), "critical"),
        look=_RATIO,
        draw=_LINES,
        series={"all": Look(color="text"), "promised": LIMIT, "critical": CRITICAL},
    )


def _routes() -> Panel:
    p95 = queries.quantile(0.95, metrics.APP_REQUEST_DURATION, _ROUTE, window=RANGE)
    failed = queries.increase(metrics.APP_REQUEST_ERRORS, _ROUTE)
    asked = queries.increase(metrics.APP_REQUESTS, _ROUTE)
    panel = table(
        "Slowest routes",
        "Every route that was asked in the chosen time range, the slowest first: what 95 % of its requests did not "
        "exceed, the mean, how many there were and what share of them failed. Make quick what is slow and often asked; "
        "a mean far below p95 means that few are very slow.",
        {
            "p95": Query(f"{p95} >= 0"),
            "Mean": Query(queries.mean(metrics.APP_REQUEST_DURATION, _ROUTE, window=RANGE)),
            "Requests": Query(f"{asked} > 0"),
            "Failed": Query(queries.share(failed, asked)),
        },
        look=Look(unit="s"),
        series={"Requests": Look(unit="short", decimals=0), "Failed": Look(unit="percentunit", decimals=2)},
    )
    return headed(panel, {"app": "App", "route": "Route"})


def _failing_routes() -> Panel:
    failed, answered = queries.rate(metrics.APP_REQUEST_ERRORS, _ROUTE), queries.rate(metrics.APP_REQUESTS, _ROUTE)
    return timeseries(
        "Failed requests by route",
        "Share of the requests to each route that were answered with a 5xx. One route alone: look for what only that "
        "one needs. All of them: the service itself, or what it depends on.",
        Query(queries.share(failed, answered), "{{app}} {{route}}"),
        look=_RATIO,
        draw=_LINES,
    )
