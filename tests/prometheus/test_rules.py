"""Prometheus' own tool checks and runs the rules."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from simulator.stack import find_binary
from tests.prometheus.rules import FOLDER, RULE_FILES, TEST_FILES, alerts, selectors


@pytest.fixture(scope="module")
def promtool() -> Path:
    return find_binary("promtool")


def run(*command: object) -> str:
    result = subprocess.run(
        [str(part) for part in command], cwd=FOLDER, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def test_configuration_is_valid_and_loads_every_rule_file(promtool: Path) -> None:
    """promtool accepts prometheus.yml, and its patterns find every rule file that there is."""
    output = run(promtool, "check", "config", "prometheus.yml")
    assert f"{len(RULE_FILES)} rule files found" in output


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
def test_rules_are_valid(promtool: Path, path: Path) -> None:
    """promtool accepts the rule file and finds no rule twice."""
    assert "duplicate" not in run(promtool, "check", "rules", path)


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.stem)
def test_rules_do_what_their_tests_say(promtool: Path, path: Path) -> None:
    """Every promtool test passes."""
    run(promtool, "test", "rules", path)


def test_what_alerts_look_at_is_evaluated_every_10_s() -> None:
    """All groups come round that often, but for those that look back over days, of which no alert's condition reads."""
    every = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["global"]["evaluation_interval"]
    groups = [group for path in RULE_FILES for group in yaml.safe_load(path.read_text())["groups"]]
    slow = [group for group in groups if group.get("interval", every) not in {"5s", "10s"}]
    recorded_slowly = {rule["record"] for group in slow for rule in group["rules"]}
    conditions = {selector.metric for rule in alerts() for selector in selectors(rule["expr"])}
    assert {group["interval"] for group in slow} == {"1m"}
    assert not conditions & recorded_slowly


def test_scrape_of_bots_figures_is_limited() -> None:
    """The job that scrapes labels from bots has all four limits set."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    (job,) = [job for job in config["scrape_configs"] if job["job_name"] == "trading-exporter"]
    for limit in ("body_size_limit", "sample_limit", "label_limit", "label_value_length_limit"):
        assert job[limit], limit


def test_target_files_exist() -> None:
    """Every file that prometheus.yml reads targets from is there and names a loopback address."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    users = [*config["scrape_configs"], *config["alerting"]["alertmanagers"]]
    files = {name for user in users for entry in user["file_sd_configs"] for name in entry["files"]}
    assert {Path(name).name for name in files} == {path.name for path in FOLDER.glob("targets/*.yml")}
    for name in files:
        targets = [target for group in yaml.safe_load((FOLDER / name).read_text()) for target in group["targets"]]
        assert targets
        assert all(target.startswith("127.0.0.1:") for target in targets)
