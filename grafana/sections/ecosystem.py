"""The exchanges as one ecosystem: the state of each, why it is so, and whether one may fail."""

from __future__ import annotations

from exporter import metrics
from grafana import frame, queries
from grafana.layout import Section, line
from grafana.panels import Look, Panel, filled, stat, state_timeline, table
from grafana.queries import Query

_BY = ("exchange",)
_LEGEND = "{{exchange}}"
STATUS = {
    "0": ("healthy", "green"),
    "1": ("degraded", "dark-yellow"),  # a plain yellow cannot be read on white
    "2": ("warning", "orange"),
    "3": ("critical", "red"),
}


def cards() -> Panel:
    """Return a card for each exchange, in the colour of its status."""
    panel = stat(
        "Exchanges now",
        "Each exchange by the worst of its errors, availability and latency of five minutes against the configured "
        "targets. Critical: stop quoting there until it recovers. All at once: look at our own network first.",
        Query(queries.recorded("exchange:status:level"), _LEGEND),
        look=Look(unit="none", words=STATUS),
    )
    return frame.explained(filled(panel), "performance")


def section() -> Section:
    """Return the row on the ecosystem of exchanges."""
    return Section("Ecosystem", (line(6, (1, _redundancy()), (3, _details())), line(6, _history())))


def _redundancy() -> Panel:
    return stat(
        "Redundancy",
        "Healthy exchanges of all that are asked anything, whether all of them are, and whether there are enough that "
        "one may fail. Limited: do not rely on the other one; trade smaller until it is back.",
        Query(queries.or_unknown(queries.recorded("system:exchanges_healthy:count")), "Healthy"),
        Query(queries.or_unknown(queries.recorded("system:exchanges:count")), "Of"),
        Query(queries.or_unknown(queries.recorded("system:exchanges_healthy:bool")), "Ecosystem"),
        Query(queries.or_unknown(queries.recorded("system:exchange_redundancy:bool")), "Redundancy"),
        look=Look(unit="none", decimals=0),
        series={
            "Ecosystem": Look(words={"0": ("not healthy", "orange"), "1": ("healthy", "green")}),
            "Redundancy": Look(words={"0": ("limited", "orange"), "1": ("good", "green")}),
        },
    )


def _details() -> Panel:
    return table(
        "Why each exchange is so",
        "Status of each exchange and the three figures that make it, of five minutes, beside the share of its request "
        "limit in use. The worst of the three says what to look at: errors by kind, availability or latency below.",
        {
            "Status": Query(_worst("exchange:status:level")),
            "Errors": Query(_worst("exchange:request_errors:ratio_rate5m")),
            "Available": Query(f"min by (exchange) ({queries.recorded('exchange:availability:ratio_rate5m')})"),
            "Latency": Query(_worst("exchange:request_duration_seconds:mean5m")),
            "Limit used": Query(queries.gauge(metrics.EXCHANGE_RATE_LIMIT_USED, _BY, how="max")),
        },
        look=Look(unit="percentunit", decimals=1),
        series={
            "Status": Look(unit="short", words=STATUS, tinted=True),
            "Latency": Look(unit="s", decimals=2),
        },
    )


def _worst(rule: str) -> str:
    return f"max by (exchange) ({queries.recorded(rule)})"


def _history() -> Panel:
    return state_timeline(
        "Status of exchanges",
        "When each exchange was healthy, degraded, warning or critical. Several at the same time: our machine or "
        "network. One again and again: see its status page, and quote less there at such times.",
        Query(queries.recorded("exchange:status:level"), _LEGEND),
        look=Look(unit="none", words=STATUS),
    )
