"""Configurations of Alertmanager as data, and a quicker copy of their timing for tests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from alertmanager.channels import Channels
from alertmanager.routing import configuration

FOLDER = Path(__file__).resolve().parents[2] / "alertmanager"
CONFIG = FOLDER / "alertmanager.yml"
TIMES = ("group_wait", "group_interval", "repeat_interval")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}

Route = dict[str, Any]

SEVERITIES = ["critical", "warning", "info"]

EVERYTHING: dict[str, Any] = {
    "slack": {"enabled": True},
    "pagerduty": {"enabled": True},
    "email": {"enabled": True, "username": "desk"},
    "discord": {"enabled": True, "severities": SEVERITIES, "format": "slack"},  # which every version can
    "exporter": {"incidents": True},
    "sms": {"enabled": True, "severities": ["critical"]},
}
"""``channels.yml`` with every channel on."""


def committed() -> dict[str, Any]:
    """Give the committed configuration."""
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
    return config


def made_of(channels: Mapping[str, Any] = EVERYTHING) -> dict[str, Any]:
    """Give the configuration that follows from the content of a ``channels.yml``, no part of it twice the same."""
    made: dict[str, Any] = json.loads(json.dumps(configuration(msgspec.convert(dict(channels), Channels))))
    return made


def seconds(duration: str) -> float:
    """Give a duration such as ``1h`` in seconds."""
    match = re.fullmatch(r"(\d+)(ms|s|m|h)", duration)
    assert match, duration
    return int(match[1]) * _SECONDS[match[2]]


def quicker(route: Route, factor: float) -> Route:
    """Give a copy of a tree of routes in which all waits are `factor` times shorter."""
    copy = {key: f"{max(1, round(seconds(route[key]) / factor * 1000))}ms" for key in TIMES if key in route}
    return {**route, **copy, "routes": [quicker(child, factor) for child in route.get("routes", ())]}


def with_inherited_times(route: Route, parent: Mapping[str, Any] | None = None) -> Iterator[Route]:
    """Give each route of a tree with the times and the receiver that it inherits."""
    inherited = {key: parent[key] for key in (*TIMES, "receiver") if parent and key in parent}
    whole = {**inherited, **route}
    yield whole
    for child in route.get("routes", ()):
        yield from with_inherited_times(child, whole)


def leaves(route: Route, labels: Mapping[str, str]) -> list[Route]:
    """Give every route that an alert takes, with inherited times, as Alertmanager picks them."""
    found: list[Route] = []
    for child in route.get("routes", ()):
        if all(_matches(matcher, labels) for matcher in child.get("matchers", ())):
            inherited = {key: route[key] for key in (*TIMES, "receiver")}
            found += leaves({**inherited, **child}, labels)
            if not child.get("continue"):
                break
    return found or [route]


def _matches(matcher: str, labels: Mapping[str, str]) -> bool:
    match = re.fullmatch(r'(\w+) (=~?) "([^"]*)"', matcher)
    assert match, matcher
    value = labels.get(match[1], "")
    return value == match[3] if match[2] == "=" else bool(re.fullmatch(match[3], value))
