"""What is asked of Prometheus exists in its rules, and what both work out they work out alike."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from exporter.live.recorded import LEVELS, SYSTEM
from exporter.state.exchange import PROBE, UNAVAILABLE

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "prometheus" / "rules" / "recording"


def recorded() -> dict[str, list[dict[str, Any]]]:
    """All recorded series, each with its rules."""
    found: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(FOLDER.glob("*.yml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                found.setdefault(rule["record"], []).append(rule)
    return found


def test_every_series_that_is_asked_for_is_recorded() -> None:
    """And those that are told apart by labels have these labels."""
    known = recorded()
    assert set(SYSTEM) | set(LEVELS) <= set(known)
    for name, labels in LEVELS.items():
        level = name.partition(":")[0]
        if level != "alertname_severity":  # where an exchange may be one more label
            assert set(level.split("_")) == set(labels)


def test_failures_of_an_exchange_are_the_same_as_in_the_rules() -> None:
    """Availability is worked out here from second to second, and in Prometheus for alerts."""
    known = recorded()
    (rule,) = known["exchange_operation:unavailable_requests:rate5m"]
    (kinds,) = re.findall(r'error=~"([^"]*)"', rule["expr"])
    assert set(kinds.split("|")) == set(UNAVAILABLE)
    (rule,) = known["exchange:availability:ratio_rate5m"]
    assert set(re.findall(r'operation="([^"]*)"', rule["expr"])) == {PROBE}
