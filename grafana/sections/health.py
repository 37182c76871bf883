"""Is the system healthy, and if not, why: the health score, what is taken off it, and how near the rest is."""

from __future__ import annotations

from exporter import metrics
from grafana import foreign, frame, queries
from grafana.layout import Section, line
from grafana.panels import FAULTS, Look, Panel, headed, stat, state_timeline, table
from grafana.queries import Query

_ISSUES = {"0": ("fine", "green"), "1": ("warning", "orange"), "2": ("critical", "red")}
STATES = {
    "0": ("critical", "red"),
    "1": ("degraded", "orange"),
    "2": ("good", "green"),
    "3": ("excellent", "green"),
}
_SHARE = Look(unit="percentunit", decimals=0)


def summary() -> Panel:
    """Return the score, its state, the number of urgent alerts, and the time since the machine started."""
    panel = stat(
        "System health",
        "100 less what each issue takes off it, and what that amounts to; urgent alerts that fire, whatever is chosen "
        "above; and the time since the machine started. Not good: the reasons below say what is the matter. Alerts "
        "without data: no rule is evaluated, or no exporter is there; see Admin.",
        Query(queries.or_unknown(queries.recorded("system:health:score")), "Score"),
        Query(queries.or_unknown(queries.recorded("system:health:state")), "State"),
        Query(queries.or_unknown(_urgent()), "Alerts"),
        Query(queries.or_unknown(queries.recorded("system:uptime_seconds:min")), "Up for"),
        look=Look(unit="none", decimals=0),
        series={
            "State": Look(words=STATES),
            "Alerts": FAULTS,
            "Up for": Look(unit="s", decimals=1),
        },
    )
    return frame.explained(panel, "performance")


def reasons() -> Panel:
    """Return when each resource was an issue."""
    return state_timeline(
        "Reasons",
        "What takes points off the health score: response time, errors, processor or memory beyond the configured "
        "thresholds. A resource without data is not measured and not judged. What to do stands in the runbook, at "
        "the alert on the same thing.",
        Query(_issue(), "{{resource}}"),
        look=Look(unit="none", words=_ISSUES),
    )


def section() -> Section:
    """Return the row on how near each resource is to its thresholds."""
    return Section("Health", (line(6, (2, _nearness()), (1, _score())),))


def _urgent() -> str:
    """Count urgent alerts, whatever is chosen."""
    return frame.counted(
        queries.everywhere(foreign.ALERTS, alertname="=~Trading.+", alertstate="firing", severity="=~critical|warning")
    )


def _issue() -> str:
    """Return 2 for a critical issue, 1 for a warning and 0 for none, by resource."""
    critical = queries.recorded("resource_severity:health_issue:bool", severity="critical")
    warning = queries.recorded("resource_severity:health_issue:bool", severity="warning")
    judged = queries.recorded("resource:health_value:rate1m")
    return f"2 * max by (resource) ({critical}) or max by (resource) ({warning}) or 0 * max by (resource) ({judged})"


def _nearness() -> Panel:
    panel = table(
        "Thresholds of health",
        "The last minute's figure of each resource as a share of the thresholds above which it is a warning or "
        "critical. Near 100 %: act before it counts. The thresholds are health in the configuration.",
        {
            "Of critical": Query(_share_of("critical")),
            "Of warning": Query(_share_of("warning")),
            "Issue": Query(_issue()),
        },
        look=_SHARE,
        series={"Issue": Look(unit="short", words=_ISSUES, tinted=True)},
    )
    return headed(panel, {"resource": "Resource"})


def _share_of(severity: str) -> str:
    threshold = queries.gauge(metrics.TARGET_HEALTH, ("resource",), how="min", severity=severity)
    value = queries.recorded("resource:health_value:rate1m")
    return f"max by (resource) ({value}) / on (resource) {threshold}"


def _score() -> Panel:
    return state_timeline(
        "Health over time",
        "How healthy the system was: how many of the configured lowest scores it reached. A change: look at what "
        "began at that time in reasons and in the marks of alerts and deployments.",
        Query(queries.recorded("system:health:state"), "health"),
        look=Look(unit="none", words=STATES),
    )
