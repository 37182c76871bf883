"""Nothing that a user must be able to see is missing from the dashboards."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.metrics import TABLE, Kind
from grafana import generate
from tests.grafana import promql
from tests.grafana.asking import models
from tests.prometheus.rules import recorded, selectors

ROOT = Path(generate.__file__).parents[1]
GROUPS = (
    *("app requests", "exchanges", "exchange status", "caches", "host", "trading", "spreads", "PnL", "risk", "models"),
    *("business", "value", "health score", "capacity", "trends", "incidents", "the exporter itself"),
)
ROWS: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(Path(__file__).with_name("rows.yml").read_text())
FIGURES = [(group, figure) for group, figures in ROWS.items() for figure in figures]
MODELS = models()
HISTOGRAMS = {family.name for family in TABLE if family.kind is Kind.HISTOGRAM}
SOURCES: dict[str, set[str]] = defaultdict(set)
"""What the rules of each recorded series read."""

for rule in recorded():
    SOURCES[rule["record"]] |= {each.metric for each in selectors(rule["expr"])}


def asked_by(panel: dict[str, Any]) -> set[str]:
    """The series that a panel asks for."""
    return {base_of(name) for target in panel.get("targets", ()) for name in promql.names(target["expr"]).metrics}


def base_of(name: str) -> str:
    """A histogram's own name for its parts."""
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return base if base in HISTOGRAMS else name


def test_every_group_has_its_figures() -> None:
    """The list has all groups, and each says where several figures are seen."""
    assert tuple(ROWS) == GROUPS
    assert all(len(figures) >= 3 for figures in ROWS.values())


@pytest.mark.parametrize(("group", "figure"), FIGURES, ids=lambda each: str(each).replace(" ", "-"))
def test_figure_is_seen(group: str, figure: str) -> None:
    """There is such a panel, it draws, and it asks for what answers the question."""
    row = ROWS[group][figure]
    panels = [panel for panel in MODELS[row["dashboard"]]["panels"] if panel["type"] not in {"text", "row"}]
    (panel,) = [panel for panel in panels if panel["title"] == row["panel"]]
    assert row["asks"]
    assert set(row["asks"]) - asked_by(panel) == set()


def test_answers_of_the_documentation_are_seen() -> None:
    """What docs/rules.md names under "What answers what" is asked for by panels, or else all metrics it is made of."""
    text = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8").partition("## What answers what")[2]
    table = [line.split("|")[2] for line in text.splitlines() if line.startswith("| ") and "`" in line]
    named = {name for answers in table for name in re.findall(r"`([^`]+)`", answers)}
    asked = {name for model in MODELS.values() for panel in model["panels"] for name in asked_by(panel)}
    assert len(named) > 60
    assert {name for name in named if not is_seen(name, asked)} == set()


def is_seen(named: str, asked: set[str]) -> bool:
    """Whether any series of a name, in which an ellipsis stands for anything, is seen."""
    series = re.sub(r"^topk\(\d+, (.+)\)$", r"\1", named)
    pattern = re.compile(re.escape(series).replace("…", ".+"))
    parts = {part for name in asked for part in made_of(name)}
    return any(pattern.fullmatch(name) for name in asked) or any(
        pattern.fullmatch(name) and made_of(name) <= parts for name in SOURCES
    )


@cache
def made_of(name: str) -> frozenset[str]:
    """The metrics that a recorded series is made of, those that its rule reads by way of others included."""
    found, new = set[str](), {name}
    while new := {source for each in new for source in SOURCES.get(each, ())} - found:
        found |= new
    return frozenset(base_of(each) for each in found or {name} if each not in SOURCES)
