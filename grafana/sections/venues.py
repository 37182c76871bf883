"""The exchanges in one line, as far as a trader has to know; Operations says the rest."""

from __future__ import annotations

from exporter import metrics
from grafana import frame, queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, state_timeline, timeseries
from grafana.queries import Query
from grafana.sections.ecosystem import STATUS


def section() -> Section:
    """Return the row on exchanges."""
    return Section("Exchanges", (line(7, _status(), _latency()),))


def _status() -> Panel:
    panel = state_timeline(
        "Exchange status",
        "How each exchange fares by its errors, availability and latency of five minutes. Critical: expect orders to "
        "be late or lost, so quote wider there or not at all. Operations says which of the three it is.",
        Query(queries.recorded("exchange:status:level"), "{{exchange}}"),
        look=Look(unit="none", words=STATUS),
    )
    return frame.explained(panel, "operations")


def _latency() -> Panel:
    def limit(severity: str) -> str:
        return queries.gauge(metrics.TARGET_EXCHANGE_LATENCY, how="min", severity=severity)

    panel = timeseries(
        "Exchange latency",
        "Mean time of a request over five minutes; the dashed lines are the limits for a warning and a critical alert. "
        "Higher on one exchange: it is slow. Higher on all: look at our machine and network.",
        Query(queries.recorded("exchange:request_duration_seconds:mean5m"), "{{exchange}}"),
        Query(limit("warning"), "warning"),
        Query(limit("critical"), "critical"),
        look=Look(unit="s", low=0),
        draw=Draw(fill=0),
        series={"warning": LIMIT, "critical": Look(color="red", dashed=True)},
    )
    return frame.explained(panel, "operations")
