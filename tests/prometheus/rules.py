"""The rule files as data, and what an expression of PromQL names: metrics, labels, numbers.

No parser: an expression is reduced by what is certain not to be a metric, and everything that remains has to
be one. A construct that the rules do not use yet makes a test fail rather than pass unseen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from exporter.metrics import TABLE, Family, Kind

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "prometheus"
RULE_FILES = sorted(FOLDER.glob("rules/**/*.yml"))
TEST_FILES = sorted(FOLDER.glob("tests/*.yml"))

# What rules read that is neither the exporter's nor recorded, with its labels: of Prometheus, which adds job and
# instance to all that it scrapes, and of Alertmanager. An alert has the labels that its rule gives it.
_SCRAPED = frozenset({"job", "instance"})
FOREIGN = {
    "up": _SCRAPED,
    "ALERTS": frozenset({"alertname", "alertstate", "severity", "exchange", "signal"}),
    "alertmanager_notifications_total": _SCRAPED | {"integration"},
    "alertmanager_notifications_failed_total": _SCRAPED | {"integration"},
    "prometheus_notifications_alertmanagers_discovered": _SCRAPED,
    "prometheus_notifications_dropped_total": _SCRAPED,
    "prometheus_rule_evaluation_failures_total": _SCRAPED | {"rule_group"},
}

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_MATCHERS = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*\{([^}]*)\}")
_RANGE = re.compile(r"\[[^\]]*\]")
_NAME = re.compile(r"(?<![\w:])[a-zA-Z_:][a-zA-Z0-9_:]*\b(?!\s*\()")
_KEYWORDS = {"and", "or", "unless", "bool", "offset"}
_NUMBER = re.compile(r"(?<![\w.:])\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w:])", re.IGNORECASE)
_PLAIN = re.compile(r"(?:round\()?([a-zA-Z_]+:[\w:]+)(?:\{[^}]*\})?(?:(?:, [\d.]+)?\))?")
_QUERY_IN_TEXT = re.compile(r'(?:query|printf) "((?:[^"\\]|\\.)*)"|"((?:[^"\\]|\\.)*)" \|? ?query')


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric that an expression reads, with the label names that it is asked for."""

    metric: str
    labels: frozenset[str]


@cache
def rules() -> list[dict[str, Any]]:
    """Give every rule of every file, as written."""
    return [
        rule for path in RULE_FILES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]
    ]


def alerts() -> list[dict[str, Any]]:
    """Give every alerting rule."""
    return [rule for rule in rules() if "alert" in rule]


def recorded() -> list[dict[str, Any]]:
    """Give every recording rule."""
    return [rule for rule in rules() if "record" in rule]


@cache
def promtool_tests() -> list[dict[str, Any]]:
    """Give every test of every file of promtool tests."""
    return [test for path in TEST_FILES for test in yaml.safe_load(path.read_text())["tests"]]


def expressions(rule: dict[str, Any]) -> list[str]:
    """Give the rule's expression and the queries in the texts of its annotations."""
    texts = rule.get("annotations", {}).values()
    found = [first or second for text in texts for first, second in _QUERY_IN_TEXT.findall(text)]
    return [rule["expr"], *(query.replace('\\"', '"').replace("%q", '""') for query in found)]


def selectors(expression: str) -> set[Selector]:
    """Give what an expression reads."""
    bare = _GROUPING.sub("", _STRING.sub('""', expression))
    with_matchers = {
        Selector(metric, frozenset(re.findall(r"(\w+)\s*[=!]", inside))) for metric, inside in _MATCHERS.findall(bare)
    }
    rest = _RANGE.sub("", _MATCHERS.sub("", bare))
    plain = {Selector(name, frozenset()) for name in _NAME.findall(rest) if name not in _KEYWORDS}
    return with_matchers | plain


def level(record: str) -> frozenset[str]:
    """Give the labels that the name of a recorded series tells; `system` is all together, so none."""
    names = record.split(":", maxsplit=1)[0]
    return frozenset() if names == "system" else frozenset(names.split("_"))


def labels_in_tests(record: str) -> list[frozenset[str]]:
    """Give the label names of each sample that promtool tests expect of a recorded series, read as it is or rounded."""
    cases = [case for test in promtool_tests() for case in test.get("promql_expr_test", ())]
    plain = [case for case in cases if (match := _PLAIN.fullmatch(case["expr"])) and match[1] == record]
    return [frozenset(re.findall(r'(\w+)="', sample["labels"])) for case in plain for sample in case["exp_samples"]]


def grouping_labels(expression: str) -> set[str]:
    """Give the labels that an expression groups or joins by."""
    return {name for inside in _GROUPING.findall(expression) for name in re.findall(r"\w+", inside)}


def numbers(expression: str) -> set[str]:
    """Give the literal numbers of an expression; ranges and names are none."""
    return set(_NUMBER.findall(_RANGE.sub("", _STRING.sub('""', expression))))


def exported_series() -> dict[str, frozenset[str]]:
    """Give each series name that the exporter can export, with its labels."""
    return {name: labels for family in TABLE for name, labels in _series(family)}


def _series(family: Family) -> list[tuple[str, frozenset[str]]]:
    labels = frozenset(family.labels)
    if family.kind is not Kind.HISTOGRAM:
        return [(family.name, labels)]
    return [
        (f"{family.name}_bucket", labels | {"le"}),
        (f"{family.name}_sum", labels),
        (f"{family.name}_count", labels),
    ]
