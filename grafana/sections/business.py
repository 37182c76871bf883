"""What the business earns, whom it serves, and what a customer costs and brings."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, stat, timeseries
from grafana.queries import Query

_USD = Look(unit="currencyUSD", decimals=2)
_GROWTH = Look(unit="percentunit", decimals=1, steps=((None, "orange"), (0, "green")))
_LINES = Draw(fill=0)
_TOLD = "No data: nobody tells it; docs/signals.md has the names."


def revenue() -> Panel:
    """Return what came in."""
    return stat(
        "Revenue",
        f"What your own systems told to come in (revenue_usd) within an hour, within 30 days, and of the latter for "
        f"each active user. An hour far below the month's: see whether payments arrive at all. {_TOLD}",
        queries.asked("system:revenue_usd:increase1h", "An hour"),
        queries.asked("system:revenue_usd:increase30d", "30 days"),
        queries.asked("system:revenue_usd:per_user", "A user"),
        look=_USD,
    )


def users() -> Panel:
    """Return how many there are, and how that changes."""
    return stat(
        "Users",
        f"Active users (active_users), their growth in one and in four weeks, and new users (new_users) of 30 days. "
        f"Many new ones without growth: as many leave; find out why. {_TOLD}",
        queries.asked("system:active_users:count", "Active"),
        queries.asked("system:active_users:change7d", "In a week"),
        queries.asked("system:active_users:change28d", "In 4 weeks"),
        queries.asked("system:new_users:increase30d", "New"),
        look=Look(unit="short", decimals=0),
        series={"In a week": _GROWTH, "In 4 weeks": _GROWTH},
    )


def customers() -> Panel:
    """Return what a customer costs and brings, and the calls that all of them make."""
    cost = queries.recorded("system:acquisition_cost_usd:level")
    lifetime = queries.recorded("system:lifetime_value_usd:level")
    return stat(
        "A customer",
        f"What it costs to win a customer (acquisition_cost_usd), what one brings over the years (lifetime_value_usd), "
        f"and how many times the one is in the other. Below 1 each new customer loses money. {_TOLD}",
        Query(queries.or_unknown(cost), "Costs"),
        Query(queries.or_unknown(lifetime), "Brings"),
        Query(queries.or_unknown(queries.share(lifetime, cost)), "Brings by cost"),
        look=_USD,
        series={"Brings by cost": Look(unit="suffix:x", decimals=1, steps=((None, "red"), (1, "green")))},
    )


def business() -> Section:
    """Return the row on business."""
    return Section(
        "Business",
        (line(7, _revenue_over_time(), _users_over_time(), _calls()), line(7, _levels(), _sums())),
    )


def _revenue_over_time() -> Panel:
    return timeseries(
        "Revenue an hour",
        f"What came in within the hour before each moment. An hour that is lower than the same one of other days: "
        f"compare with the marks of deployments and alerts. {_TOLD}",
        Query(queries.recorded("system:revenue_usd:increase1h"), "revenue"),
        look=Look(unit="currencyUSD", low=0),
        draw=Draw(legend=False),
    )


def _users_over_time() -> Panel:
    return timeseries(
        "Active users",
        f"Active users, and those who were new within the hour before each moment. A fall at once: they cannot log "
        f"in, or nobody counts them. {_TOLD}",
        Query(queries.recorded("system:active_users:count"), "active"),
        Query(queries.recorded("system:new_users:increase1h"), "new in an hour"),
        look=Look(unit="short", decimals=0, low=0),
        draw=_LINES,
    )


def _calls() -> Panel:
    return timeseries(
        "API calls",
        "Calls of the API a minute, as they are told (api_calls), else the requests that it tells one by one. A fall: "
        "do customers see errors? A leap: who is it, and what does that cost?",
        Query(queries.recorded("system:api_calls:per_minute"), "calls"),
        look=Look(unit="suffix:/min", low=0),
        draw=Draw(legend=False),
    )


def _levels() -> Panel:
    return timeseries(
        "Figures of the business",
        "Figures that your own systems tell, as they were last told, by name. None: nobody tells any. One that stays "
        "the same for long: see whether the program that tells it still runs.",
        Query(queries.gauge(metrics.BUSINESS_LEVEL, ("name",), how="max"), "{{name}}"),
        look=Look(unit="short"),
        draw=_LINES,
    )


def _sums() -> Panel:
    return timeseries(
        "Business by the minute",
        "What your own systems added to each sum within a minute, such as revenue. None: nobody tells any. A sum that "
        "stops: see whether the program that tells it still runs.",
        Query(queries.per_minute(metrics.BUSINESS_SUM, ("name",)), "{{name}}"),
        look=Look(unit="short"),
        draw=_LINES,
    )
