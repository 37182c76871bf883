"""Pushed events: do bots get through, how long do they wait, how much do they send."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, timeseries
from grafana.queries import Query


def section() -> Section:
    """Return the row on push."""
    return Section("Push", (line(7, _answers(), _time(), _bytes()),))


def _answers() -> Panel:
    return timeseries(
        "Pushes by answer",
        "Requests a second, by HTTP status. 401: a bot has a wrong token. 413: it sends too much at once. 429 or "
        "503: the disk is behind or full, and the bot has to send again; see the journal.",
        Query(queries.rate(metrics.PUSH_REQUESTS, ("code",)), "{{code}}"),
        look=Look(unit="suffix:/s", low=0),
        draw=Draw(fill=0),
    )


def _time() -> Panel:
    return timeseries(
        "Push time",
        "Time from the head of a request to its answer, the disk included. It grows with the size of what is sent; "
        "high for small requests: see the journal, then the exporter's CPU.",
        Query(queries.quantile(0.5, metrics.PUSH_DURATION, ()), "p50"),
        Query(queries.quantile(0.99, metrics.PUSH_DURATION, ()), "p99"),
        look=Look(unit="s", low=0),
        draw=Draw(fill=0),
    )


def _bytes() -> Panel:
    return timeseries(
        "Pushed bytes",
        "Bytes a second that bots send, compressed where they compress. A fall to nothing: no bot reports; see "
        "whether they run.",
        Query(queries.rate(metrics.PUSH_RECEIVED_BYTES, ()), "received"),
        look=Look(unit="Bps", low=0),
    )
