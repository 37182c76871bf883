"""What is unusual: response time, requests and PnL beside what the last days had at this time."""

from __future__ import annotations

from dataclasses import dataclass

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, stat, timeseries
from grafana.queries import Query

_FROM, _TO = "usual from", "usual to"
_BAND = {
    _TO: Look(color="blue", thin=True, fill_to=_FROM),
    _FROM: Look(color="blue", thin=True),
    "expected": Look(color="blue", dashed=True),
    "now": Look(color="text"),
}
_SHORT_HISTORY = "No band: the same time of too few days is known; see History known."


@dataclass(frozen=True, slots=True)
class _Signal:
    title: str
    description: str
    look: Look


_SIGNALS = {
    "response_seconds": _Signal(
        "Response time, and the usual",
        "Average response time of five minutes, within the range that is usual at this time of day. Above it: compare "
        "with requests beside it; slower with as many means that something else changed, such as a deployment.",
        Look(unit="s", low=0),
    ),
    "requests": _Signal(
        "Requests, and the usual",
        "Requests a second, mean of five minutes, within the range that is usual at this time of day. Below it: "
        "someone who asks is away, or cannot reach us. Above it: see in requests by app who asks more.",
        Look(unit="suffix:/s", low=0),
    ),
    "pnl": _Signal(
        "PnL of an hour, and the usual",
        "What an hour gained or lost, within the range that was usual in the last week. Below it: see in Lost most "
        "which book it is. Above it is no gift: see whether a position grew.",
        Look(unit="currencyUSD", decimals=2),
    ),
}


def section() -> Section:
    """Return the row on what is unusual about the own API."""
    return Section(
        "Beside the usual",
        (line(8, (2, band("response_seconds")), (2, band("requests")), (1, _scores()), (1, _history())),),
    )


def band(signal: str) -> Panel:
    """Return a signal over time within the range that is expected of it."""
    about = _SIGNALS[signal]
    lines = {
        _TO: "signal:expected_high",
        _FROM: "signal:expected_low",
        "expected": "signal:expected",
        "now": "signal:value",
    }
    return timeseries(
        about.title,
        f"{about.description} {_SHORT_HISTORY}",
        *(Query(queries.recorded(rule, signal=signal), name) for name, rule in lines.items()),
        look=about.look,
        draw=Draw(fill=0),
        series=_BAND,
    )


def _scores() -> Panel:
    limit = queries.gauge(metrics.TARGET_ANOMALY_SCORE, how="min")
    return timeseries(
        "Anomaly score",
        "How far each signal is from what is expected, in units of how far it usually is; beyond the dashed lines an "
        "alert fires. All at once: look for one cause, such as a deployment or an exchange that is down.",
        Query(queries.recorded("signal:anomaly_score"), "{{signal}}"),
        Query(limit, "limit"),
        Query(f"0 - {limit}", "limit below"),
        look=Look(unit="none", decimals=1),
        draw=Draw(fill=0),
        series={"limit": LIMIT, "limit below": LIMIT},
    )


def _history() -> Panel:
    return stat(
        "History known",
        "Of how many days the same time is known of each signal, and of how many it must be before anything is called "
        "unusual (targets.anomaly.days). Fewer: wait; after a loss of Prometheus' data it begins anew.",
        Query(queries.recorded("signal:history_seconds:sum"), "{{signal}}"),
        Query(queries.or_unknown(queries.gauge(metrics.TARGET_ANOMALY_HISTORY, how="max")), "needed"),
        look=Look(unit="s", decimals=1),
    )
