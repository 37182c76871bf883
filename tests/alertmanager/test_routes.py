"""Who is told what: Alertmanager's own tool answers for a table of alerts."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from simulator.stack import find_binary
from tests.alertmanager.routes import CONFIG, FOLDER, configuration, first_match, seconds, with_inherited_times
from tests.prometheus.rules import alerts

ALERTS = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: f"{alert['alert']}-{alert['labels']['severity']}")


@pytest.fixture(scope="module")
def amtool() -> Path:
    return find_binary("amtool")


def run(*command: object) -> str:
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_configuration_is_valid_without_secrets(amtool: Path, tmp_path: Path) -> None:
    """amtool accepts a copy of the folder that has no secrets at all."""
    copy = shutil.copytree(FOLDER, tmp_path / "copy", ignore=shutil.ignore_patterns("secrets"))
    assert "1 templates" in run(amtool, "check-config", copy / "alertmanager.yml")


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ("alertname=TradingExchangeUnavailable exchange=alpha severity=critical cooldown=5m", "pager,email"),
        ("alertname=TradingExchangeErrorRateHigh exchange=alpha severity=critical cooldown=3m", "pager,email"),
        ("alertname=TradingExchangeErrorRateHigh exchange=alpha severity=warning cooldown=15m", "slack,email"),
        (
            "alertname=TradingMarketDataStale exchange=alpha symbol=BTC/USDT severity=warning cooldown=15m",
            "slack,email",
        ),
        ("alertname=TradingCurrencyRateMissing currency=BNB severity=warning cooldown=15m", "slack,email"),
        ("alertname=TradingExporterDown exporters=all severity=critical cooldown=5m", "pager,email"),
        ("alertname=TradingExporterDown exporters=some instance=a severity=critical cooldown=5m", "pager,email"),
        ("alertname=TradingTargetMissing target=x severity=warning cooldown=15m", "slack,email"),
        ("alertname=TradingWatchdog severity=info", "none"),
        ("alertname=TradingSomethingNew severity=info", "slack"),
        ("alertname=SomebodyElsesAlert", "slack"),
        ("alertname=SomebodyElsesAlert severity=critical", "pager,email"),
    ],
)
def test_alert_reaches_its_receivers(amtool: Path, labels: str, receivers: str) -> None:
    """An alert with these labels goes to these receivers and to no other."""
    command = [amtool, "config", "routes", "test", f"--config.file={CONFIG}", *labels.split()]
    assert run(*command).strip() == receivers


@ALERTS
def test_alert_is_repeated_after_its_cooldown(alert: dict[str, Any]) -> None:
    """The cooldown that an alert names is the repeat interval of the route it takes first."""
    labels = {"alertname": alert["alert"], **alert["labels"]}
    route = first_match(configuration()["route"], labels)
    if route["receiver"] != "none":
        assert seconds(route["repeat_interval"]) == seconds(labels["cooldown"])


@pytest.mark.parametrize(("severity", "receiver", "wait"), [("critical", "pager", "5s"), ("warning", "slack", "30s")])
def test_first_message_comes_soon(severity: str, receiver: str, wait: str) -> None:
    """The first channels wait only as long as it takes to group what belongs together."""
    route = first_match(configuration()["route"], {"severity": severity})
    assert (route["receiver"], route["group_wait"]) == (receiver, wait)


@pytest.mark.parametrize(("severity", "wait"), [("critical", "15m"), ("warning", "1h")])
def test_email_waits(severity: str, wait: str) -> None:
    """Email comes for each alert by itself, after the wait of its severity."""
    routes = configuration()["route"]["routes"]
    (email,) = [
        route for route in routes if route["receiver"] == "email" and f'severity = "{severity}"' in route["matchers"]
    ]
    assert (email["group_wait"], email["group_by"]) == (wait, ["..."])


def test_intervals_divide() -> None:
    """Every repeat interval is a multiple of its group interval: it is looked at only then."""
    for route in with_inherited_times(configuration()["route"]):
        assert seconds(route["repeat_interval"]) % seconds(route["group_interval"]) == 0


def test_every_channel_says_when_it_is_over() -> None:
    """Resolved messages are sent everywhere, whatever the channel's default is."""
    channels = [
        channel
        for receiver in configuration()["receivers"]
        for kind, entries in receiver.items()
        if kind != "name"
        for channel in entries
    ]
    assert channels
    assert all(channel["send_resolved"] is True for channel in channels)


def test_inhibition_names_alerts_that_exist() -> None:
    """A rule of inhibition that names alerts names real ones."""
    known = {alert["alert"] for alert in alerts()}
    matchers = [
        matcher
        for rule in configuration()["inhibit_rules"]
        for matcher in (*rule["source_matchers"], *rule["target_matchers"])
        if matcher.startswith("alertname")
    ]
    named = {name for matcher in matchers for name in re.findall(r"Trading[A-Z]\w+", matcher)}
    assert named
    assert named <= known


def test_secrets_stay_out_of_the_configuration() -> None:
    """No secret is written in the configuration: what is one comes from a file in the folder secrets."""
    text = CONFIG.read_text()
    assert not re.search(r"^\s*-?\s*(routing_key|service_key|api_url|slack_api_url|\w*password|\w*token):", text, re.M)
    files = re.findall(r"^\s*-?\s*\w+_file: (\S+)", text, re.M)
    assert len(files) == 3
    assert all(name.startswith("secrets/") for name in files)
    assert (FOLDER / "secrets" / ".gitignore").read_text().splitlines()[1:] == ["*", "!.gitignore", "!README.md"]


def test_every_secret_is_explained() -> None:
    """The README of the folder and the page about alerting name every file that a secret is read from."""
    files = re.findall(r"secrets/(\w+)", CONFIG.read_text())
    readme = (FOLDER / "secrets" / "README.md").read_text()
    page = (FOLDER.parent / "docs" / "alerting.md").read_text()
    for name in files:
        assert f"`{name}`" in readme
        assert f"> secrets/{name}" in page
