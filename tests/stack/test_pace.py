"""Rules that are played faster than they were written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from simulator.stack import find_binary
from tests.prometheus.rules import FOLDER, RULE_FILES
from tests.stack.pace import quicken, quicker_expression, quicker_rules, seconds, written


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(a_total[5m])", "rate(a_total[30000ms])"),
        ("a:b:mean5m", "a:b:mean5m"),
        ("a offset 23h30m", "a offset 8460000ms"),
        ("a offset -1h", "a offset -360000ms"),
        ("quantile_over_time(0.9, a[3d:5m]) * 300", "quantile_over_time(0.9, a[25920000ms:30000ms]) * 300"),
        ("max_over_time(a[1h:])", "max_over_time(a[360000ms:])"),
        ('a{b="x[5m] offset 1h", c="\\"[1m]"}[1m]', 'a{b="x[5m] offset 1h", c="\\"[1m]"}[6000ms]'),
        ("a[90s] offset 1d", "a[9000ms] offset 8640000ms"),
    ],
)
def test_times_of_an_expression_are_divided(expression: str, expected: str) -> None:
    """Ranges, steps and offsets become ten times shorter; names, numbers and strings stay."""
    assert quicker_expression(expression, 10) == expected


def test_times_of_rules_are_divided() -> None:
    """So do waits and intervals, but none below a second and no wait above what is given; the rest stays."""
    first = {"alert": "A", "expr": "a[1m] > 0", "for": "6h", "keep_firing_for": "5m", "labels": {"cooldown": "5m"}}
    first |= {"annotations": {"summary": "In 5m.", "description": '{{ with query "sum(a offset 1d)" }}.{{ end }}'}}
    second = {"record": "a:b:mean5m", "expr": "a"}
    groups = [{"name": "g", "interval": "15s", "rules": [first]}, {"name": "h", "rules": [second]}]
    quicker = quicker_rules({"groups": groups}, 20, longest_wait=30)
    assert quicker["groups"][1] == groups[1]
    assert quicker["groups"][0]["interval"] == "1000ms"
    (rule,) = quicker["groups"][0]["rules"]
    assert (rule["expr"], rule["for"], rule["keep_firing_for"]) == ("a[3000ms] > 0", "30000ms", "15000ms")
    assert rule["labels"] == {"cooldown": "5m"}
    assert rule["annotations"] == {
        "summary": "In 5m.", "description": '{{ with query "sum(a offset 4320000ms)" }}.{{ end }}'
    }  # fmt: skip
    assert first["for"] == "6h"


def test_a_duration_is_read_as_prometheus_does() -> None:
    """Units add up; what is none is refused."""
    assert seconds("1d2h3m4s5ms") == 86_400 + 7200 + 180 + 4 + 0.005
    assert written(0.25) == "250ms"
    with pytest.raises(ValueError, match="5 minutes"):
        seconds("5 minutes")


def test_committed_rules_load_when_they_are_quicker(tmp_path: Path) -> None:
    """Prometheus's own tool takes them all, and no time of theirs is left as it was."""
    for path in RULE_FILES:
        target = tmp_path / path.relative_to(FOLDER)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path.read_text())
        quicken(target, 20)
    files = sorted(tmp_path.rglob("*.yml"))
    result = subprocess.run(
        [find_binary("promtool"), "check", "rules", *files], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    for path in files:
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                assert quicker_expression(rule["expr"], 1) == rule["expr"]  # in milliseconds, every one
