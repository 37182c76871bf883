"""Incidents and texts: what goes wrong how often, how soon it is over, and whether people hear of it."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, stat, timeseries
from grafana.queries import Query


def section() -> Section:
    """Return the row on alerts."""
    return Section(
        "Incidents",
        (line(6, (2, _now()), (1, _begun()), (1, _trend()), (2, _resolution())), line(7, _texts(), _waiting())),
    )


def _now() -> Panel:
    return timeseries(
        "Incidents",
        "Alerts that Alertmanager tells to fire, and incidents that go on as far as it told last, by severity. A gap "
        "in firing: Alertmanager is not heard of; see whether it runs.",
        Query(queries.gauge(metrics.ALERTS_FIRING, ("severity",), how="max"), "{{severity}} firing"),
        Query(queries.gauge(metrics.INCIDENTS_OPEN, ("severity",), how="max"), "{{severity}} open"),
        look=Look(unit="short", decimals=0, low=0),
        draw=Draw(fill=0),
    )


def _begun() -> Panel:
    return stat(
        "Incidents in 24 h",
        "Incidents that began within the last 24 h, by severity, and within the time that is shown.",
        Query(queries.gauge(metrics.INCIDENTS_DAY, ("severity",), how="max"), "{{severity}}"),
        Query(queries.increase(metrics.INCIDENTS), "Shown"),
        look=Look(unit="short", decimals=0),
    )


def _trend() -> Panel:
    return stat(
        "Trend of incidents",
        "Whether more incidents are open than are configured as many, and how many began in the last hour beside an "
        "average hour of the day before. A spike: look for what they have in common.",
        Query(queries.gauge(metrics.INCIDENTS_TREND, how="max"), "Beginning"),
        Query(queries.gauge(metrics.INCIDENTS_INCREASING, how="max"), "Open"),
        look=Look(unit="none", decimals=0),
        series={
            "Beginning": Look(words={"-1": ("fewer", "green"), "0": ("as usual", "green"), "1": ("spike", "red")}),
            "Open": Look(words={"0": ("few", "green"), "1": ("many", "red")}),
        },
    )


def _resolution() -> Panel:
    return timeseries(
        "Time to resolution",
        "Time from the beginning of an incident to its end: half of those that ended, and nine of ten, were over "
        "within so long. Long: see docs/alerting.md on who is told when.",
        Query(queries.quantile(0.5, metrics.INCIDENT_RESOLUTION), "p50"),
        Query(queries.quantile(0.9, metrics.INCIDENT_RESOLUTION), "p90"),
        look=Look(unit="s", low=0),
        draw=Draw(fill=0),
    )


def _texts() -> Panel:
    return timeseries(
        "Texts",
        "Texts to people a second, by what became of them. Failed: the gateway did not take them in time; see "
        "docs/alerting.md. Dropped ones were over before they were sent.",
        Query(queries.rate(metrics.SMS_MESSAGES, ("result",)), "{{result}}"),
        look=Look(unit="suffix:/s", low=0),
        draw=Draw(fill=0),
    )


def _waiting() -> Panel:
    return timeseries(
        "Texts that wait",
        "Texts that are not sent yet, and 1 while the gateway fails so often that it is left alone. A line that stays: "
        "the gateway is away, or its secret is wrong.",
        Query(queries.gauge(metrics.SMS_QUEUE), "waiting"),
        Query(queries.gauge(metrics.SMS_CIRCUIT_OPEN, how="max"), "circuit open"),
        look=Look(unit="short", decimals=0, low=0),
        draw=Draw(fill=0),
    )
