"""Alerts and incidents: what fires now, how often something goes wrong, and how soon it is over."""

from __future__ import annotations

from exporter import metrics
from grafana import foreign, frame, queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, headed, stat, table, timeseries
from grafana.queries import Query

_PLACES = ", ".join(foreign.ALERT_PLACES)
_BY = f"alertname, severity, {_PLACES}"
SEVERITIES = {"critical": ("critical", "red"), "warning": ("warning", "orange"), "info": ("info", "blue")}


def firing() -> Panel:
    """Return the alerts that fire, the most pressing first, each with a link to what to do."""
    panel = table(
        "What fires",
        "Alerts that fire, the most pressing first: a priority of 2 and more is critical, of 1 and more a warning; "
        "behind the point stands how far from usual it is, where that is measured. Open an alert's name for what to "
        "do. Empty: none fires, if System health says so too.",
        {"Priority": Query(at(_priority())), "For": Query(at(_duration()))},
        look=Look(unit="none", decimals=2),
        series={
            "Alert": Look(opens=f"{frame.RUNBOOK_URL}#${{__value.text}}"),
            "Severity": Look(words=SEVERITIES, tinted=True),
            "For": Look(unit="s", decimals=1),
        },
    )
    own = {"alertname": "Alert", "severity": "Severity", "where": "Where"}
    return headed(panel, dict.fromkeys(foreign.ALERT_PLACES, "") | own)


def section() -> Section:
    """Return the row on incidents."""
    return Section(
        "Incidents",
        (
            line(6, (2, _now()), (1, _begun()), (1, _trend())),
            line(6, (1, _mean_resolution()), (3, _resolution())),
        ),
    )


def at(expr: str) -> str:
    """Say in one label where an alert is, put together from those that say it."""
    labels = ", ".join(f'"{label}"' for label in foreign.ALERT_PLACES)
    joined = f'label_join({expr}, "where", " ", {labels})'
    trimmed = f'label_replace({joined}, "where", "$1", "where", " *(.*?) *")'
    return f'label_replace({trimmed}, "where", "the system", "where", "")'


def _ours() -> str:
    """Return the alerts that fire, whatever is chosen, but for the watchdog, which always does."""
    return f"({frame.FIRING} unless {frame.WATCHDOG})"


def _priority() -> str:
    """Return the recorded rank of each alert; one whose rank is not recorded yet has 0, and is not left out."""
    rank = f"max by (alertname, severity) ({queries.recorded('alertname_severity:alerts:rank')})"
    ranked = f"max by ({_BY}) ({_ours()} * on (alertname, severity) group_left () {rank})"
    return f"({ranked} or 0 * max by ({_BY}) ({_ours()}))"


def _duration() -> str:
    since = queries.everywhere(foreign.ALERTS_SINCE, alertname="=~Trading.+")
    return f"time() - max by ({_BY}) ({since} and ignoring (alertstate) {_ours()})"


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
        "Incidents that began within the last 24 h, by severity, and within the time that is shown. Many of one "
        "severity: the table of what fires and the trend say whether they have one cause.",
        Query(queries.gauge(metrics.INCIDENTS_DAY, ("severity",), how="max"), "{{severity}}"),
        Query(f"sum(max by (severity) ({_begun_by_exporter()}))", "Shown"),
        look=Look(unit="short", decimals=0),
    )


def _begun_by_exporter() -> str:
    """Return what each exporter counted; all hear the same Alertmanager, so that they do not add up."""
    return f"increase({queries.select(metrics.INCIDENTS)}[{queries.RANGE}])"


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


def _mean_resolution() -> Panel:
    return stat(
        "Mean time to resolution",
        "Mean time from the beginning of an incident to its end, of those that ended within a day. No data: none "
        "did. It grows: alerts reach people late, or too much fires for them to see what matters.",
        Query(queries.or_unknown(queries.recorded("system:incident_resolution_seconds:mean1d")), "mean"),
        look=Look(unit="s", decimals=1),
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
