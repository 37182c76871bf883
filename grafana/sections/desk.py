"""One desk's own bots: what they do, what they hold, and what went wrong with them."""

from __future__ import annotations

from exporter import metrics
from exporter.metrics import Family
from grafana import foreign, frame, queries
from grafana.layout import Section, line
from grafana.panels import FAULTS, Draw, Look, Panel, bargauge, headed, stat, table, timeseries
from grafana.queries import Query
from grafana.sections import activity, alerts, market, money, quality, quotes

DESK_ALERTS = (
    "TradingAttributionError",
    "TradingBalanceDrift",
    "TradingBotDown",
    "TradingCurrencyRateMissing",
    "TradingDrawdown",
    "TradingExchangeErrorRateHigh",
    "TradingExchangeLatencyHigh",
    "TradingExchangeUnavailable",
    "TradingExporterDown",
    "TradingJournalBookTorn",
    "TradingLossLimit",
    "TradingMarketDataStale",
    "TradingPnlAnomaly",
    "TradingPositionDrift",
    "TradingPositionLimit",
    "TradingRateLimitNearlyUsed",
    "TradingSpreadNotImproving",
)
_OURS = "=~" + "|".join(DESK_ALERTS)
_FIRING = queries.applying(foreign.ALERTS, alertname=_OURS, alertstate="firing")
_BOOK = ("exchange", "account", "symbol", "strategy")
_BY = ("strategy",)
_LEGEND = "{{strategy}}"
_LINES = Draw(fill=0)


def wrong() -> Panel:
    """Return what went wrong with what is chosen, counted."""
    panel = stat(
        "What went wrong",
        "Alerts on bots, positions, books and exchanges that fire now, and markets whose data is too old now; in the "
        "time range: orders refused, fills that contradict earlier ones, bots' messages lost. The rows below say "
        "which. Alerts without data: the rules are not evaluated, or the exporter is down.",
        *(Query(queries.or_unknown(expr), name) for name, expr in _troubles().items()),
        look=FAULTS,
    )
    return frame.explained(panel, "operations")


def my_pnl() -> Panel:
    """Return what the desk earned."""
    panel = stat(
        "PnL",
        "What the bots earned after fees: within a day, in the chosen time range, and since the first fill. A strategy "
        "that loses stands last under PnL by strategy below. A day has no data in the first six hours.",
        Query(queries.or_unknown(f"sum({money.OF_A_DAY})"), "In 24 h"),
        Query(queries.or_unknown(queries.change(metrics.PNL_TOTAL)), "In range"),
        Query(queries.or_unknown(queries.gauge(metrics.PNL_TOTAL)), "Total"),
        look=money.PROFIT,
    )
    return frame.explained(panel, "trading")


def held() -> Panel:
    """Return every book that the bots keep."""
    panel = table(
        "What I hold",
        "Value, size, average entry price and open PnL of each position. One that a strategy should not have: stop the "
        "bot first, then close it on the exchange. One that the exchange does not show: a fill was missed.",
        {
            "Value": Query(queries.gauge(metrics.POSITION_NOTIONAL, _BOOK)),
            "Position": Query(queries.gauge(metrics.POSITION_BASE, _BOOK)),
            "Entry": Query(queries.gauge(metrics.POSITION_AVERAGE_PRICE, _BOOK, how="max")),
            "Open PnL": Query(queries.gauge(metrics.PNL_UNREALIZED, _BOOK)),
        },
        look=Look(unit="none"),
        series={"Value": money.USD, "Open PnL": money.TINTED},
    )
    return frame.explained(panel, "trading")


def my_alerts() -> Panel:
    """Return the alerts that fire on what is chosen, each with a link to what to do."""
    labels = ", ".join(("alertname", "severity", *foreign.ALERT_PLACES))
    since = queries.applying(foreign.ALERTS_SINCE, alertname=_OURS)
    firing = table(
        "My alerts",
        "Alerts on bots, positions, books and exchanges that fire, and for how long. Open an alert's name for what to "
        "do. Empty: none fires, if What went wrong says so too.",
        {"For": Query(alerts.at(f"max by ({labels}) (time() - {since} and ignoring (alertstate) {_FIRING})"))},
        look=Look(unit="s", decimals=1),
        series={
            "Alert": Look(opens=f"{frame.RUNBOOK_URL}#${{__value.text}}"),
            "Severity": Look(words=alerts.SEVERITIES, tinted=True),
        },
    )
    own = {"alertname": "Alert", "where": "Where"}
    return frame.explained(headed(firing, dict.fromkeys(foreign.ALERT_PLACES, "") | own), "operations")


def strategies() -> Section:
    """Return the row on what each strategy does and earns."""
    return Section(
        "Strategies",
        (
            line(8, _earned(), money.by("strategy")),
            line(7, _per_minute("Orders", metrics.ORDERS), _per_minute("Fills", metrics.FILLS), _open_orders()),
            line(7, activity.volume_by("strategy"), quotes.uptime("strategy"), quality.slippage()),
        ),
    )


def troubles() -> Section:
    """Return the row on what went wrong."""
    return Section(
        "What went wrong in detail",
        (
            line(7, activity.rejections(), _rejected(), activity.irregular()),
            line(7, market.age(), _stale(), quality.missing()),
        ),
    )


def _troubles() -> dict[str, str]:
    """What went wrong, counted; none of these is zero unless something proves it."""
    return {
        "Alerts": frame.counted(_FIRING),
        "Stale markets": market.stale(),
        "Rejected": f"{queries.increase(metrics.ORDER_REJECTIONS)} or 0 * {queries.increase(metrics.ORDERS)}",
        "Conflicting": queries.increase(metrics.CONFLICTING_FILLS),
        "Missed": queries.increase(metrics.BOT_MISSED_MESSAGES),
    }


def _earned() -> Panel:
    return table(
        "PnL by strategy, in figures",
        "What each strategy earned after fees in the chosen time range, within a day and since its first fill, and the "
        "sizes of its positions together. Loses for days: stop it, and look for the cause on Trading.",
        {
            "In range": Query(queries.change(metrics.PNL_TOTAL, _BY)),
            "In 24 h": Query(f"sum by (strategy) ({money.OF_A_DAY})"),
            "Total": Query(queries.gauge(metrics.PNL_TOTAL, _BY)),
            "Held": Query(f"sum by (strategy) (abs({queries.select(metrics.POSITION_NOTIONAL)}))"),
        },
        look=money.USD,
        series=dict.fromkeys(("In 24 h", "In range", "Total"), money.TINTED),
    )


def _per_minute(what: str, family: Family) -> Panel:
    return timeseries(
        f"{what} by strategy",
        f"{what} a minute of each strategy. One that stops while the others go on: see its bot's state and log. One "
        "that rises far above its usual pace: is it in a loop?",
        Query(queries.per_minute(family, _BY), _LEGEND),
        look=Look(unit="suffix:/min", low=0),
        draw=_LINES,
    )


def _open_orders() -> Panel:
    return timeseries(
        "Open orders by strategy",
        "Orders of each strategy that rest on the exchanges. A number that only grows: cancels do not arrive. Orders "
        "of a bot that is stopped: cancel them on the exchange.",
        Query(queries.gauge(metrics.ORDERS_OPEN, _BY), _LEGEND),
        look=Look(unit="short", decimals=0, low=0),
        draw=_LINES,
    )


def _rejected() -> Panel:
    return bargauge(
        "Orders refused in range",
        "Orders that exchanges refused in the time range, by strategy and reason. Balance: fund the account; price or "
        "size: the strategy ignores the symbol's filters; rate limit: it sends too much.",
        Query(queries.increase(metrics.ORDER_REJECTIONS, ("strategy", "reason")), "{{strategy}}: {{reason}}"),
        look=Look(unit="short", decimals=0, low=0, color="orange"),
    )


def _stale() -> Panel:
    return table(
        "Age of market data by symbol",
        "Seconds since the newest market data of each symbol that is watched, oldest first. Red is beyond the "
        "configured limit: quotes there rest on old prices, so pull them and look at the exchange's streams.",
        {
            "Age": Query(queries.age(metrics.MARKET_DATA_TIMESTAMP, ("exchange", "symbol"))),
            "Too old": Query(market.too_old()),
        },
        look=Look(unit="s", decimals=1),
        series={"Too old": Look(words={"0": ("no", "green"), "1": ("yes", "red")}, tinted=True)},
    )
