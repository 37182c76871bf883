"""Alerts that fire now, as Alertmanager has them, or as it told us when it cannot be asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, cast

import msgspec
from aiohttp import ClientSession

from exporter.events.alerts import where
from exporter.journal.records import Incident
from exporter.live.answer import Answer, moment
from exporter.live.figures import Count, Missing, Moment
from exporter.live.recorded import Recorded
from exporter.live.upstream import body
from exporter.state.incidents import HEARTBEAT, SEVERITIES
from exporter.state.state import State

Severity = Literal["critical", "warning", "info", "other"]

_OURS = 'alertname=~"Trading.+"'  # as in prometheus/rules/recording/incidents.yml
_PARAMETERS = {"active": "true", "silenced": "false", "inhibited": "false", "filter": _OURS}
_RANKS = {"critical": 2.0, "warning": 1.0}  # where Prometheus does not say


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One that fires; neither silenced nor held back."""

    id: Annotated[str, msgspec.Meta(description="Alertmanager's fingerprint of it, as in the stream of alerts.")]
    name: Annotated[str, msgspec.Meta(description="What the rule is called.")]
    severity: Annotated[Severity, msgspec.Meta(description="Other is what is none of the three.")]
    where: Annotated[str, msgspec.Meta(description="What it is about; empty where no label says it.")]
    summary: Annotated[str, msgspec.Meta(description="One sentence that is always the same.")]
    description: Annotated[str | None, msgspec.Meta(description="Null where Alertmanager could not be asked.")]
    starts: Annotated[datetime, msgspec.Meta(tz=True, description="Since when it fires, UTC.")]
    runbook_url: Annotated[str | None, msgspec.Meta(description="What to do; null as above.")]


class Alerts(msgspec.Struct, frozen=True, kw_only=True):
    """What fires now, the worst first. Null where that is not known."""

    active_alerts_count: Count
    critical_alerts: Count
    warning_alerts: Count
    info_alerts: Count
    alerts: list[Alert] | None
    source: Annotated[
        Literal["alertmanager", "incidents"] | None,
        msgspec.Meta(description="Whether Alertmanager was asked, or it is what it told by itself."),
    ]
    timestamp: Moment
    missing: Missing


class Told(msgspec.Struct, frozen=True, rename="camel"):
    """An alert in Alertmanager's own words."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    fingerprint: str


_decode = msgspec.json.Decoder(list[Told]).decode


async def ask(session: ClientSession) -> list[Told]:
    """Ask Alertmanager for those that fire."""
    async with session.get("api/v2/alerts", params=_PARAMETERS, allow_redirects=False) as response:
        told = _decode(await body(response))
    return [each for each in told if each.labels.get("alertname") != HEARTBEAT]


class Firing(msgspec.Struct, frozen=True):
    """What fires, the worst first, and who says so; without it the reason."""

    alerts: list[Alert] | None
    source: Literal["alertmanager", "incidents"] | None
    why: str


def firing(state: State, told: list[Told] | None, why: str, recorded: Recorded | None) -> Firing:
    """What is known: ``told`` by Alertmanager, else the incidents that go on."""
    if told is not None:
        ranks = recorded.by("alertname_severity:alerts:rank") if recorded else {}
        ordered = sorted(told, key=lambda each: (-_rank(each, ranks), each.starts_at))
        return Firing([_alert(each) for each in ordered], "alertmanager", "")
    incidents = state.incidents
    if state.config.incidents.token is None:
        return Firing(None, None, f"{why}; nor does it tell us by itself: incidents.token")
    if incidents.is_silent or not incidents.heartbeat:
        return Firing(None, None, f"{why}; nor did it tell us anything lately")
    ordered_incidents = sorted(incidents.open(), key=lambda each: (-_RANKS.get(each.severity, 0.0), each.starts))
    return Firing([_incident(each) for each in ordered_incidents], "incidents", "")


def alerts(state: State, found: Firing) -> Alerts:
    """The answer."""
    answer = Answer()
    for place in _PLACES if found.alerts is None else ():
        answer.missing[place] = found.why
    total, critical, warning, info = counts(found)
    return Alerts(
        active_alerts_count=total,
        critical_alerts=critical,
        warning_alerts=warning,
        info_alerts=info,
        alerts=found.alerts,
        source=found.source,
        timestamp=moment(state.clock()),
        missing=answer.missing,
    )


_PLACES = ("active_alerts_count", "critical_alerts", "warning_alerts", "info_alerts", "alerts", "source")


def counts(found: Firing) -> tuple[int | None, int | None, int | None, int | None]:
    """How many fire: all, critical, warning, info."""
    if found.alerts is None:
        return None, None, None, None
    by_severity = Counter(each.severity for each in found.alerts)
    return len(found.alerts), by_severity["critical"], by_severity["warning"], by_severity["info"]


def _rank(told: Told, ranks: Mapping[tuple[str, ...], float]) -> float:
    name, severity, exchange = (told.labels.get(label, "") for label in ("alertname", "severity", "exchange"))
    return ranks.get((name, severity, exchange), _RANKS.get(severity, 0.0))


def _severity(text: str) -> Severity:
    return cast("Severity", text) if text in SEVERITIES else "other"


def _alert(told: Told) -> Alert:
    labels, notes = told.labels, told.annotations
    return Alert(
        id=told.fingerprint,
        name=labels.get("alertname", ""),
        severity=_severity(labels.get("severity", "")),
        where=where(labels),
        summary=notes.get("summary", ""),
        description=notes.get("description"),
        starts=told.starts_at,
        runbook_url=notes.get("runbook_url"),
    )


def _incident(incident: Incident) -> Alert:
    return Alert(
        id=incident.fingerprint,
        name=incident.name,
        severity=_severity(incident.severity),
        where=incident.where,
        summary=incident.summary,
        description=None,
        starts=moment(incident.starts),
        runbook_url=None,
    )
