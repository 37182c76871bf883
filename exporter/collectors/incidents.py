"""Incidents, as Alertmanager tells them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from exporter import metrics
from exporter.exposition import Batch, Sample
from exporter.journal.records import Incident
from exporter.state.incidents import DAY, SEVERITIES
from exporter.state.state import State


def collect(state: State) -> Iterator[Batch]:
    """Nothing while Alertmanager is not expected to tell; what fires is unknown while it is silent."""
    if state.config.incidents.token is None:
        return
    incidents = state.incidents
    is_open = list(_by_severity(incidents.open()))
    yield metrics.INCIDENTS, [((severity,), incidents.totals[severity]) for severity in SEVERITIES]
    yield metrics.INCIDENTS_OPEN, is_open
    yield metrics.INCIDENTS_DAY, list(_by_severity(incidents.recent(DAY)))
    yield metrics.INCIDENTS_INCREASING, [((), int(incidents.is_increasing))]
    yield metrics.INCIDENTS_TREND, [((), incidents.trend)]
    yield metrics.INCIDENT_RESOLUTION, [((), incidents.resolution)]
    if not incidents.is_silent and incidents.heartbeat:
        yield metrics.ALERTS_FIRING, is_open


def _by_severity(found: Iterable[Incident]) -> Iterator[Sample]:
    counts = Counter(incident.severity for incident in found)
    return (((severity,), counts[severity]) for severity in SEVERITIES)
