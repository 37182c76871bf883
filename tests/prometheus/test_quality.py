"""The measurement of docs/alert-quality.md in small: its worlds, and what it reads from promtool."""

from __future__ import annotations

import itertools
from random import Random

import pytest

from tests.prometheus.quality import EVALUATED, play
from tests.prometheus.rules import alerts
from tests.prometheus.worlds import DAY, DAYS, KINDS, STEP, STEPS, WARM, World, draw, world

MINUTES = 20
SAMPLES = MINUTES * 60 // STEP


@pytest.fixture(scope="module")
def made() -> World:
    return world(7, len(KINDS))


def test_world_depends_on_its_seed_alone(made: World) -> None:
    """The same seed makes the same world, of eight days in each series; another one makes other incidents."""
    assert world(7, len(KINDS)) == made
    assert {len(values) for values in made.series.values()} == {STEPS}
    assert list(draw(Random(8), len(KINDS))) != made.incidents


def test_incidents_come_one_at_a_time_after_the_bands_are_warm(made: World) -> None:
    """Each kind comes once, is over before the next begins, and within the eight days."""
    incidents = made.incidents
    assert {incident.kind for incident in incidents} == set(KINDS)
    assert all(before.end + 3600 < after.begin for before, after in itertools.pairwise(incidents))
    assert incidents[0].begin >= WARM
    assert incidents[-1].end < DAYS * DAY


def test_kinds_name_alerts_that_exist() -> None:
    """What is to tell an incident is an alert of the rules."""
    assert frozenset().union(*(kind.alerts for kind in KINDS.values())) <= {alert["alert"] for alert in alerts()}


def test_alarms_are_read_from_promtool() -> None:
    """An alert that fires from one minute to another is found with its labels and times; one that does not is not."""
    down = [1.0] * 10 + [0.0] * 10 + [1.0] * (SAMPLES - 20)
    alarms = play({'up{job="trading-exporter",instance="a"}': down})
    (alarm,) = [alarm for alarm in alarms if alarm.alert == "TradingExporterDown"]
    assert alarm.labels == '{alertname="TradingExporterDown", severity="critical"}'
    assert 10 * STEP < alarm.begin <= 10 * STEP + 2 * EVALUATED
    assert 20 * STEP - EVALUATED <= alarm.end < 20 * STEP
    assert {alarm.alert for alarm in alarms} == {"TradingExporterDown", "TradingTargetMissing"}
