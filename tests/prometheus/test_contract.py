"""Rules against the table of metrics, alerts against their runbook and their promtool tests."""

from __future__ import annotations

import re
from typing import Any

import pytest

from exporter.metrics import TABLE
from tests.prometheus.rules import (
    FOREIGN,
    ROOT,
    Selector,
    alerts,
    exported_series,
    expressions,
    grouping_labels,
    labels_in_tests,
    level,
    numbers,
    promtool_tests,
    recorded,
    rules,
    selectors,
)

RUNBOOK_URL = "https://github.com/trading-exporter/trading-exporter/blob/main/docs/runbook.md"
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
RULES_PAGE = (ROOT / "docs" / "rules.md").read_text()
PARTS = ["Meaning", "Impact", "Check", "Fix"]
SEVERITIES = {"critical", "warning", "info"}
SCRAPE_LABELS = frozenset({"job", "instance"})  # Prometheus adds them to all it scrapes
ALWAYS_FIRING = {"TradingWatchdog"}
# What must end with its cause: it holds back all others, or follows it; or does not end before a restart.
NOT_KEPT_FIRING = {"TradingExporterDown", "TradingTargetMissing", "TradingJournalDamaged"} | ALWAYS_FIRING
# Targets that may be left out of the configuration, which switches their alert off: nothing is missing then.
OPTIONAL_TARGETS = {"trading_target_loss_usd", "trading_target_model_accuracy_ratio"}
# One objective holds for each exchange, and an alert may be about one.
PART_OF_A_LEVEL = {
    frozenset({"slo"}): frozenset({"exchange"}),
    frozenset({"alertname", "severity"}): frozenset({"exchange"}),
}


def named(rule: dict[str, Any]) -> str:
    return f"{rule.get('alert') or rule['record']}-{rule.get('labels', {}).get('severity', '')}".rstrip("-")


ALERTS = pytest.mark.parametrize("alert", alerts(), ids=named)
RULES = pytest.mark.parametrize("rule", rules(), ids=named)
RECORDED = pytest.mark.parametrize("rule", recorded(), ids=named)


def known_series() -> dict[str, frozenset[str]]:
    """Every series that a rule may read, with its labels."""
    levels = {rule["record"]: level(rule["record"]) for rule in recorded()}
    levels = {record: labels | PART_OF_A_LEVEL.get(labels, frozenset()) for record, labels in levels.items()}
    scraped = {name: labels | SCRAPE_LABELS for name, labels in exported_series().items()}
    return {**FOREIGN, **scraped, **levels}


@RULES
def test_every_metric_and_label_exists(rule: dict[str, Any]) -> None:
    """A rule reads only what the exporter exports or another rule records, by labels that it has."""
    known = known_series()
    for expression in expressions(rule):
        for selector in selectors(expression):
            assert selector.metric in known, expression
            assert selector.labels <= known[selector.metric], expression
        of_all = frozenset[str]().union(*(known[selector.metric] for selector in selectors(expression)))
        assert grouping_labels(expression) <= of_all, expression


@RECORDED
def test_recorded_name_tells_its_labels(rule: dict[str, Any]) -> None:
    """A recorded series is named level:metric:operations, and has the labels that its level tells and no others."""
    assert re.fullmatch(r"[a-z_]+:[a-z_]+(:[a-z0-9_]+)?", rule["record"])
    found = labels_in_tests(rule["record"])
    assert found, "no promtool test reads it as it is"
    labels = level(rule["record"])
    assert all(labels <= each <= labels | PART_OF_A_LEVEL.get(labels, frozenset()) for each in found), found


@RECORDED
def test_sums_of_a_level_are_by_its_labels(rule: dict[str, Any]) -> None:
    """A rule that reads what is scraped, and nothing that another rule records, groups by the labels of its level."""
    names = {selector.metric for selector in selectors(rule["expr"])}
    of_one_level = level(rule["record"]) - set(rule.get("labels", ()))
    grouped = grouping_labels(rule["expr"])
    if of_one_level and not any(":" in name for name in names):
        assert of_one_level <= grouped <= of_one_level | PART_OF_A_LEVEL.get(of_one_level, frozenset())


@RECORDED
def test_recording_rule_has_no_threshold_of_its_own(rule: dict[str, Any]) -> None:
    """The only numbers in a rule are of mathematics, units of time, and those that count; thresholds are metrics."""
    quantiles = {"0.50", "0.5", "0.9", "0.95", "0.99"}
    normal_distribution = {"1.2533", "1.645"}  # its standard deviation by its mean distance, its 0.95 quantile
    seconds_and_days = {"60", "300", "3600", "21600", "86400", "259200", "365"}
    assert numbers(rule["expr"]) <= {"0", "1", "2", "100"} | quantiles | normal_distribution | seconds_and_days


@RECORDED
def test_division_is_guarded(rule: dict[str, Any]) -> None:
    """A denominator of zero gives no series instead of a NaN; a number is none."""
    assert len(re.findall(r"\s/\s(?![1-9])", rule["expr"])) == rule["expr"].count("> 0)")


def test_every_recorded_series_is_documented() -> None:
    """docs/rules.md lists each recorded series in one row, and none that does not exist."""
    rows = [line.split("|")[1] for line in RULES_PAGE.splitlines() if line.startswith("| `")]
    listed = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert sorted(listed) == sorted({rule["record"] for rule in recorded()})


def test_every_answer_is_a_series() -> None:
    """What docs/rules.md names as the answer to a question is exported, recorded, or of every process."""
    known = {family.name for family in TABLE} | {rule["record"] for rule in recorded()}
    known |= {"process_cpu_seconds_total", "process_resident_memory_bytes"}
    answers = re.findall(r"`([^`]+)`", RULES_PAGE.partition("## What answers what\n")[2].partition("| --- |")[2])
    assert answers
    for answer in answers:
        name = answer.removeprefix("topk(5, ").removesuffix(")").removesuffix("…")
        assert any(each.startswith(name) if answer.endswith("…") else each == name for each in known), answer


@ALERTS
def test_alert_has_what_a_reader_needs(alert: dict[str, Any]) -> None:
    """An alert has an allowed severity, one constant sentence, a description and its runbook's address."""
    assert re.fullmatch(r"Trading([A-Z][a-z]+)+", alert["alert"])
    assert alert["labels"]["severity"] in SEVERITIES
    summary = alert["annotations"]["summary"]
    assert "{{" not in summary
    assert re.fullmatch(r"[^.]+\.", summary)
    assert "irst check" in alert["annotations"]["description"] or alert["alert"] in ALWAYS_FIRING
    assert alert["annotations"]["runbook_url"] == f"{RUNBOOK_URL}#{alert['alert'].lower()}"


@ALERTS
def test_alert_has_no_threshold_of_its_own(alert: dict[str, Any]) -> None:
    """The only numbers in an alert are those that count or say up and down; thresholds are metrics."""
    assert numbers(alert["expr"]) <= {"0", "1"}


@ALERTS
def test_targets_are_aggregated_and_watched(alert: dict[str, Any]) -> None:
    """A target is read without labels that could fail to match, and its absence is an alert of its own."""
    (watcher,) = [rule for rule in alerts() if rule["alert"] == "TradingTargetMissing"]
    targets = re.findall(r"trading_target_\w+(?:\{[^}]*\})?", alert["expr"])
    for target in targets:
        assert re.search(rf"(min|max|absent)\({re.escape(target)}\)", alert["expr"])
        assert (f"absent({target})" in watcher["expr"]) is (target not in OPTIONAL_TARGETS)


@ALERTS
def test_what_flaps_is_one_alert(alert: dict[str, Any]) -> None:
    """An alert outlives its cause, so that one that comes and goes sends no more messages than one that stays."""
    assert ("keep_firing_for" in alert) is (alert["alert"] not in NOT_KEPT_FIRING)


@ALERTS
def test_alert_has_a_runbook(alert: dict[str, Any]) -> None:
    """The runbook has a heading for the alert with its four parts in order."""
    assert sections().get(alert["alert"]) == PARTS


@ALERTS
def test_runbook_opens_at_the_alert_as_it_is_written(alert: dict[str, Any]) -> None:
    """Before its heading stands an anchor of the alert's own name: dashboards know it as it is written alone."""
    assert RUNBOOK.count(f'\n<a id="{alert["alert"]}"></a>\n\n## {alert["alert"]}\n') == 1


def test_runbook_has_no_other_headings() -> None:
    """A heading of the runbook belongs to an alert that exists."""
    assert set(sections()) == {alert["alert"] for alert in alerts()}


def sections() -> dict[str, list[str]]:
    """The runbook's headings of alerts, each with its parts that have a text."""
    chapters = re.split(r"^## ", RUNBOOK, flags=re.MULTILINE)[1:]
    return {chapter.split("\n")[0]: re.findall(r"^### (\w+)\n\n(?!#)\S", chapter, re.MULTILINE) for chapter in chapters}


@ALERTS
def test_alert_is_tested(alert: dict[str, Any]) -> None:
    """promtool tests see the alert fire with these labels, and see it not fire."""
    cases = [case for test in promtool_tests() for case in test.get("alert_rule_test", ())]
    mine = [case["exp_alerts"] for case in cases if case["alertname"] == alert["alert"]]
    fired = [expected["exp_labels"] for case in mine for expected in case]
    assert any(alert["labels"].items() <= labels.items() for labels in fired)
    assert [] in mine or alert["alert"] in ALWAYS_FIRING


@RECORDED
def test_recorded_series_is_tested(rule: dict[str, Any]) -> None:
    """A promtool test compares the recorded series with values worked out by hand."""
    cases = [case for test in promtool_tests() for case in test.get("promql_expr_test", ())]
    read = {selector.metric for case in cases if case["exp_samples"] for selector in selectors(case["expr"])}
    assert rule["record"] in read


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('sum by (a) (rate(x_total{b="c, {d}",e!~"f"}[5m])) > 2', {Selector("x_total", frozenset({"b", "e"}))}),
        ("a:b:c < on () group_left () max(y)", {Selector("a:b:c", frozenset()), Selector("y", frozenset())}),
        (
            'label_replace(absent(z), "n", "v w", "", "") or up',
            {Selector("z", frozenset()), Selector("up", frozenset())},
        ),
    ],
)
def test_reading_an_expression(expression: str, expected: set[Selector]) -> None:
    """Metrics and their matchers are found; functions, keywords, strings and labels are not taken for them."""
    assert selectors(expression) == expected


def test_numbers_of_an_expression() -> None:
    """Thresholds are found; ranges, strings and digits in names are none."""
    assert numbers('a:b:rate5m{x="7"} * 0.05 > avg_over_time(p95[10m]) + 3e2') == {"0.05", "3e2"}
