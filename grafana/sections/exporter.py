"""Can these figures be trusted: the exporter's own parts, collectors, events and limits."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, bargauge, headed, stat, state_timeline, table, timeseries
from grafana.queries import RATE_INTERVAL, Query
from grafana.sections.exchanges import UP_OR_DOWN

_COLLECTOR = ("collector",)


def section() -> Section:
    """Return the row on the exporter."""
    return Section(
        "Exporter",
        (
            line(8, (5, _parts()), (5, _collectors()), (2, _version())),
            line(7, _event_lag(), _events(), _collector_time(), _refused()),
            line(6, _restarts(), _circuits()),
        ),
    )


def _parts() -> Panel:
    down = f"1 - {queries.gauge(metrics.COMPONENT_UP, ('component',), how='min')}"
    panel = table(
        "Components",
        "Parts of the exporter and connections to exchanges and bots, those that are down first. Down: /health and the "
        "log name the error; the others go on without it. One that comes back by itself needs nothing.",
        {"State": Query(down)},
        look=Look(unit="none"),
        series={"State": Look(words={"0": ("up", "green"), "1": ("down", "red")}, tinted=True)},
    )
    return headed(panel, {"component": "Part"})


def _collectors() -> Panel:
    return state_timeline(
        "Collectors",
        "Whether each collector succeeded in the last scrape. One that fails leaves its metrics out: panels "
        "that use them show no data. The log has the error.",
        Query(queries.gauge(metrics.COLLECTOR_SUCCESS, _COLLECTOR, how="min"), "{{collector}}"),
        look=Look(
            steps=UP_OR_DOWN.steps,
            words={"0": ("failed", "red"), "1": ("ok", "green")},
        ),
    )


def _version() -> Panel:
    return stat(
        "Version",
        "Version of the exporter that answers. More than one: several exporters are scraped, or an old one was "
        "left running beside the new one.",
        Query(f"max by (version) ({queries.select(metrics.BUILD_INFO)})", "{{version}}"),
        look=Look(),
        names=True,
    )


def _event_lag() -> Panel:
    return timeseries(
        "Event lag p99",
        "99 % of events came within this time of their own timestamp, by type. Late fills mean late PnL. High "
        "for every type: compare the clocks, then the exporter's CPU.",
        Query(queries.quantile(0.99, metrics.EVENT_LAG, ("type",)), "{{type}}"),
        look=Look(unit="s", low=0),
        draw=Draw(fill=0),
    )


def _events() -> Panel:
    return timeseries(
        "Events accepted",
        "Events a second, by type and source. A type that stops while its exchange is up: see its stream. A "
        "steep rise: see event lag.",
        Query(queries.rate(metrics.EVENTS, ("type", "source")), "{{type}} {{source}}"),
        look=Look(unit="suffix:/s"),
        draw=Draw(fill=0),
    )


def _collector_time() -> Panel:
    return timeseries(
        "Collector time",
        "Time that each collector took in a scrape. Together they must stay well below the scrape timeout; one "
        "that grows has too many series: fewer symbols, or a lower series limit.",
        Query(queries.gauge(metrics.COLLECTOR_DURATION, _COLLECTOR, how="max"), "{{collector}}"),
        look=Look(unit="s", low=0),
        draw=Draw(fill=0),
    )


def _refused() -> Panel:
    return bargauge(
        "Refused and left out",
        "Events refused, by reason, and samples left out because a family reached its series limit, in the "
        "time range. Anything here is missing elsewhere: mend what sends the events, or raise the limit.",
        Query(queries.increase(metrics.EVENTS_REJECTED, ("reason",)), "events: {{reason}}"),
        Query(queries.increase(metrics.SERIES_DROPPED, ("family",)), "samples: {{family}}"),
        look=Look(unit="short", decimals=0, low=0, steps=((None, "green"), (1, "red"))),
    )


def _restarts() -> Panel:
    return timeseries(
        "Restarts of parts",
        "Times that parts failed and were begun anew, by part. One that goes on: the log has the fault; see "
        "TradingComponentFailing in the runbook.",
        Query(queries.increase(metrics.COMPONENT_RESTARTS, ("component",), window=RATE_INTERVAL), "{{component}}"),
        look=Look(unit="short", low=0),
        draw=Draw(fill=0),
    )


def _circuits() -> Panel:
    return state_timeline(
        "Parts left alone",
        "Parts that failed so often that they are left alone, and tried from time to time. What they do is missing "
        "meanwhile; the log has the fault.",
        Query(queries.gauge(metrics.COMPONENT_CIRCUIT_OPEN, ("component",), how="max"), "{{component}}"),
        look=Look(
            steps=((None, "green"), (1, "red")),
            words={"0": ("in use", "green"), "1": ("left alone", "red")},
        ),
    )
