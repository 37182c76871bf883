"""The way from an alert to a person: what Alertmanager sends by which channel, and the exporter's own texts."""

from __future__ import annotations

from exporter import metrics
from grafana import foreign, queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, timeseries
from grafana.queries import Query

_BY = ("integration",)
_LEGEND = "{{integration}}"
_LINES = Draw(fill=0)
_COUNT = Look(unit="short", decimals=0, low=0)


def section() -> Section:
    """Return the row on channels and texts."""
    return Section(
        "Channels and texts", (line(7, _sent(), _failed(), _latency()), line(7, _known(), _texts(), _waiting()))
    )


def _sent() -> Panel:
    return timeseries(
        "Messages by channel",
        "Messages a minute that Alertmanager sent, by kind of channel, those that failed included; kinds that were not "
        "used stay at 0. Nothing while alerts fire: see the routes in docs/alerting.md, and silences.",
        Query(queries.per_minute(foreign.NOTIFICATIONS, _BY), _LEGEND),
        look=Look(unit="suffix:/min", low=0),
        draw=Draw(bars=True, stacked=True),
    )


def _failed() -> Panel:
    return timeseries(
        "Messages that failed",
        "Messages a minute that a kind of channel did not take. Whoever is told that way alone is not told: see "
        "Alertmanager's log for the answer, then the channel's secret and address.",
        Query(queries.per_minute(foreign.NOTIFICATIONS_FAILED, _BY), _LEGEND),
        look=Look(unit="suffix:/min", low=0),
        draw=Draw(bars=True, stacked=True),
    )


def _latency() -> Panel:
    spent, times = queries.rate(foreign.NOTIFICATION_SECONDS, _BY), queries.rate(foreign.NOTIFICATION_COUNT, _BY)
    return timeseries(
        "Time to hand over",
        "Mean time in which each kind of channel took a message. Seconds: the service is slow or far; one that does "
        "not answer at all is given up, and counts as failed.",
        Query(queries.share(spent, times), _LEGEND),
        look=Look(unit="s", low=0),
        draw=_LINES,
    )


def _known() -> Panel:
    return timeseries(
        "Alerts held back",
        "Alerts that Alertmanager knows, active or suppressed by a silence or a graver alert, and silences that hold. "
        "Suppressed for long: see whether a silence was forgotten.",
        Query(queries.gauge(foreign.ALERTS_KNOWN, ("state",), how="max", state="=~active|suppressed"), "{{state}}"),
        Query(queries.gauge(foreign.SILENCES, how="max", state="active"), "silences"),
        look=_COUNT,
        draw=_LINES,
    )


def _texts() -> Panel:
    return timeseries(
        "Texts",
        "Texts to people a second, by what became of them. Failed: the gateway did not take them in time; see "
        "docs/alerting.md. Dropped ones were over before they were sent.",
        Query(queries.rate(metrics.SMS_MESSAGES, ("result",)), "{{result}}"),
        look=Look(unit="suffix:/s", low=0),
        draw=_LINES,
    )


def _waiting() -> Panel:
    return timeseries(
        "Texts that wait",
        "Texts that are not sent yet, and 1 while the gateway fails so often that it is left alone. A line that stays: "
        "the gateway is away, or its secret is wrong.",
        Query(queries.gauge(metrics.SMS_QUEUE), "waiting"),
        Query(queries.gauge(metrics.SMS_CIRCUIT_OPEN, how="max"), "circuit open"),
        look=_COUNT,
        draw=_LINES,
    )
