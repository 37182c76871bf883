"""How long exchanges take: for requests, and for orders."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, coarse, headed, stat, table, timeseries
from grafana.queries import RANGE, Query
from grafana.sections.requests import CRITICAL

_BY = ("exchange", "operation")
_SECONDS = Look(unit="s", low=0)
_LINES = Draw(fill=0)


def section() -> Section:
    """Return the row on exchanges' latency."""
    return Section("Exchange latency", (line(8, _means(), _p95(), coarse(_orders()), _operations()),))


def now() -> Panel:
    """Return the slowest exchange's latency."""
    return stat(
        "Slowest exchange",
        "Mean latency of the slowest exchange in five minutes, and what 95 % of its requests did not exceed. Slow on "
        "one: quote wider there; slow on all: look at our machine and network.",
        Query(f"topk(1, {queries.recorded('exchange:request_duration_seconds:mean5m')})", "{{exchange}}"),
        Query(f"max({queries.recorded('exchange:request_duration_seconds:p95_5m')})", "p95"),
        look=Look(unit="s"),
    )


def _limit(severity: str) -> str:
    return queries.gauge(metrics.TARGET_EXCHANGE_LATENCY, how="min", severity=severity)


def _means() -> Panel:
    return timeseries(
        "Mean latency by exchange",
        "Mean time of a request in five minutes, our own rate limiter's queue left out; the dashed lines are the "
        "limits for a degraded, a warned of and a critical exchange. Beyond one: quote wider there, or stop.",
        Query(queries.recorded("exchange:request_duration_seconds:mean5m"), "{{exchange}}"),
        *(Query(_limit(severity), severity) for severity in ("degraded", "warning", "critical")),
        look=_SECONDS,
        draw=_LINES,
        series={"degraded": Look(color="dark-yellow", dashed=True), "warning": LIMIT, "critical": CRITICAL},
    )


def _p95() -> Panel:
    return timeseries(
        "Latency p95 by exchange",
        "95 % of the requests of five minutes were answered within this time. High where the mean is low: single slow "
        "operations; see them in Slowest operations.",
        Query(queries.recorded("exchange:request_duration_seconds:p95_5m"), "{{exchange}}"),
        look=_SECONDS,
        draw=_LINES,
    )


def _orders() -> Panel:
    return timeseries(
        "Order answers p95",
        "95 % of the orders were answered by the exchange within this time, as the bot timed it. Slower than the "
        "requests beside it: the bot itself waits, for its machine or its own queue.",
        Query(queries.quantile(0.95, metrics.ORDER_ACK, ("exchange",)), "{{exchange}}"),
        look=_SECONDS,
        draw=_LINES,
    )


def _operations() -> Panel:
    duration = metrics.EXCHANGE_REQUEST_DURATION
    panel = table(
        "Slowest operations",
        "Every operation on each exchange in the chosen time range, the slowest first. Ask what is slow less often, or "
        "take it from a stream instead.",
        {
            "p95": Query(f"{queries.quantile(0.95, duration, _BY, window=RANGE)} >= 0"),
            "Mean": Query(queries.mean(duration, _BY, window=RANGE)),
        },
        look=Look(unit="s"),
    )
    return headed(panel, {"operation": "Operation"})
