"""Who is told what: Alertmanager's own tool answers for a table of alerts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from alertmanager import generate
from alertmanager.channels import load
from alertmanager.routing import COOLDOWNS
from simulator.stack import find_binary
from tests.alertmanager.routes import (
    CONFIG,
    EVERYTHING,
    FOLDER,
    committed,
    leaves,
    made_of,
    seconds,
    with_inherited_times,
)
from tests.prometheus.rules import alerts

ALERTS = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: f"{alert['alert']}-{alert['labels']['severity']}")

WINDOWS = [
    {"name": "upgrade", "exchanges": ["alpha"], "weekdays": ["sunday"], "times": [{"start": "02:00", "end": "24:00"}]},
    {"name": "holiday", "days_of_month": ["25:26"], "months": ["december"], "location": "Europe/Berlin"},
]
"""Windows of maintenance: one of an exchange, one of everything."""

# Every row of the table of alerts, and what a desk expects beyond it: the alert, its severity and cooldown, and who is
# told at once and later.
PAGED, PAGED_AND_MAILED = "critical,email", "critical-email"
TOLD, TOLD_AND_MAILED = "warning,email", "warning-email"
TABLE = [
    ("TradingResponseTimeHigh", "critical", "5m", PAGED_AND_MAILED),
    ("TradingErrorRateHigh", "critical", "3m", PAGED),
    ("TradingResponseTimeHigh", "warning", "15m", TOLD_AND_MAILED),
    ("TradingCacheHitRateLow", "warning", "30m", TOLD),
    ("TradingCpuHigh", "warning", "10m", TOLD_AND_MAILED),
    ("TradingMemoryHigh", "warning", "15m", TOLD),
    ("TradingExchangeUnavailable", "critical", "5m", PAGED),
    ("TradingResponseTimeAnomaly", "warning", "15m", TOLD),
    ("TradingThroughputAnomaly", "info", "30m", "info"),
    ("TradingPnlAnomaly", "warning", "15m", TOLD),
    ("TradingExchangeErrorRateHigh", "critical", "3m", PAGED),
    ("TradingExchangeErrorRateHigh", "warning", "15m", TOLD),
    ("TradingExchangeLatencyHigh", "critical", "5m", PAGED),
    ("TradingExchangeLatencyHigh", "warning", "15m", TOLD),
    ("TradingMarketDataStale", "warning", "15m", TOLD),
    ("TradingRateLimitNearlyUsed", "warning", "15m", TOLD),
    ("TradingPositionLimit", "critical", "5m", PAGED),
    ("TradingLossLimit", "critical", "15m", PAGED),
    ("TradingDrawdown", "warning", "30m", TOLD),
    ("TradingPositionDrift", "critical", "5m", PAGED),
    ("TradingBalanceDrift", "warning", "15m", TOLD),
    ("TradingAttributionError", "warning", "15m", TOLD),
    ("TradingCurrencyRateMissing", "warning", "15m", TOLD),
    ("TradingSpreadNotImproving", "warning", "30m", TOLD),
    ("TradingModelDrift", "warning", "30m", TOLD),
    ("TradingModelAccuracyLow", "warning", "30m", TOLD),
    ("TradingSloBurnRate", "critical", "5m", PAGED),
    ("TradingSloBurnRate", "warning", "30m", TOLD),
    ("TradingCapacityExhaustion", "warning", "30m", TOLD),
    ("TradingCacheDown", "warning", "15m", TOLD),
    ("TradingBotDown", "warning", "15m", TOLD),
    ("TradingExporterDown", "critical", "5m", PAGED),
    ("TradingComponentDown", "warning", "15m", TOLD),
    ("TradingJournalBookTorn", "critical", "5m", PAGED),
    ("TradingJournalFailing", "critical", "5m", PAGED),
    ("TradingJournalDamaged", "warning", "15m", TOLD),
    ("TradingJournalDiskFull", "warning", "30m", TOLD),
    ("TradingComponentFailing", "warning", "15m", TOLD),
    ("TradingTargetMissing", "warning", "15m", TOLD),
    ("TradingNotificationsFailing", "critical", "5m", PAGED),
    ("TradingTextsFailing", "critical", "5m", PAGED),
    ("TradingAlertmanagerDown", "critical", "5m", PAGED),
    ("TradingAlertsDropped", "critical", "5m", PAGED),
    ("TradingPrometheusRuleFailing", "critical", "5m", PAGED),
    ("TradingSomethingNew", "info", "", "info"),
    ("SomebodyElsesAlert", "critical", "", PAGED),
    ("SomebodyElsesAlert", "", "", "other"),
]


@pytest.fixture(scope="module")
def amtool() -> Path:
    return find_binary("amtool")


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration with every channel and two windows of maintenance."""
    return written(tmp_path_factory.mktemp("everything"), {**EVERYTHING, "maintenance": WINDOWS})


def written(folder: Path, channels: Mapping[str, Any]) -> Path:
    """A folder as ``make generate`` leaves it, with another ``channels.yml``; the path of what was generated."""
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("secrets", "__pycache__"))
    (folder / "channels.yml").write_text(yaml.safe_dump(dict(channels)))
    generate.write(load(folder / "channels.yml"), folder)
    return folder / "alertmanager.yml"


def run(*command: object) -> str:
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def routed(amtool: Path, config: Path, **labels: str) -> str:
    given = [f"{name}={value}" for name, value in labels.items() if value]
    return run(amtool, "config", "routes", "test", f"--config.file={config}", *given).strip()


@pytest.mark.parametrize("channels", [{}, EVERYTHING, {"email": {"enabled": False}}, {"maintenance": WINDOWS}], ids=str)
def test_configuration_is_valid_without_secrets(amtool: Path, tmp_path: Path, channels: dict[str, Any]) -> None:
    """amtool accepts what follows from a channels.yml in a folder that has no secrets at all."""
    assert "1 templates" in run(amtool, "check-config", written(tmp_path, channels))


@pytest.mark.parametrize(("alert", "severity", "cooldown", "receivers"), TABLE, ids=lambda part: part or "none")
def test_alert_reaches_its_receivers(  # noqa: PLR0917 - a row of the table
    amtool: Path, everything: Path, alert: str, severity: str, cooldown: str, receivers: str
) -> None:
    """An alert goes to these receivers and no other, in and out of a window's exchange; the exporter hears of it."""
    for exchange in ("", "alpha", "beta"):
        found = routed(amtool, everything, alertname=alert, severity=severity, cooldown=cooldown, exchange=exchange)
        assert found == f"incidents,{receivers}"


def test_watchdog_reaches_nobody_but_the_exporter(amtool: Path, everything: Path) -> None:
    """The alert that always fires wakes nobody."""
    assert routed(amtool, everything, alertname="TradingWatchdog", severity="info") == "incidents,none"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/ping", ""])
def test_watchdog_may_be_heard_by_a_service(amtool: Path, tmp_path: Path, url: str) -> None:
    """With the heartbeat on it is posted each minute, to an address that may be a secret."""
    channels = {"heartbeat": {"enabled": True, "url": url}}
    labels = {"alertname": "TradingWatchdog", "severity": "info"}
    (route,) = leaves(made_of(channels)["route"], labels)
    assert (route["receiver"], route["repeat_interval"]) == ("heartbeat", "1m")
    (channel,) = made_of(channels)["receivers"][-1]["webhook_configs"]
    assert channel == ({"url": url} if url else {"url_file": "secrets/heartbeat_url"}) | {"send_resolved": False}
    if url:
        assert routed(amtool, written(tmp_path, channels), **labels) == "heartbeat"


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"alertname": "TradingExchangeUnavailable", "severity": "critical"}, "critical"),
        ({"alertname": "TradingMemoryHigh", "severity": "warning"}, "warning"),
        ({"alertname": "TradingThroughputAnomaly", "severity": "info"}, "info"),
        ({"alertname": "SomebodyElsesAlert"}, "other"),
        ({"alertname": "TradingWatchdog", "severity": "info"}, "none"),
    ],
)
def test_where_email_is_the_only_channel_it_does_not_wait(amtool: Path, labels: dict[str, str], receiver: str) -> None:
    """As committed only email is on, and there is no other channel whose turn would come first."""
    assert routed(amtool, CONFIG, **labels) == receiver
    (channels,) = [each for each in committed()["receivers"] if each["name"] == receiver]
    assert set(channels) - {"name"} == (set() if receiver in {"info", "none"} else {"email_configs"})


def test_receivers_have_the_channels_of_the_table() -> None:
    """At once: critical on PagerDuty, Slack, Discord and as SMS, warning and info on Slack and Discord."""
    kinds = {each["name"]: sorted(set(each) - {"name"}) for each in made_of()["receivers"]}
    chat = ["slack_configs"]
    paged = ["pagerduty_configs", "slack_configs", "webhook_configs"]
    assert kinds == {
        "none": [],
        "other": chat,
        "critical": paged,
        "critical-email": ["email_configs", *paged],
        "warning": chat,
        "warning-email": ["email_configs", *chat],
        "info": chat,
        "email": ["email_configs"],
        "incidents": ["webhook_configs"],
    }


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
@pytest.mark.parametrize("channel", ["discord", "sms"])
def test_a_severity_reaches_discord_and_sms_only_where_it_is_listed(channel: str, severity: str) -> None:
    """Discord and SMS get the severities that channels.yml lists for them, and no other."""
    key = {"discord": "discord_configs", "sms": "webhook_configs"}[channel]
    receivers = made_of({channel: {"enabled": True, "severities": [severity]}})["receivers"]
    assert {each["name"] for each in receivers if key in each} - {"other"} == {severity} | (
        {f"{severity}-email"} if severity != "info" else set()
    )


def test_discord_natively_or_in_the_words_of_slack() -> None:
    """An Alertmanager that cannot read Discord's address from a file speaks to it as to Slack."""
    for words, kind, key in (
        ("discord", "discord_configs", "webhook_url_file"),
        ("slack", "slack_configs", "api_url_file"),
    ):
        receivers = made_of({"discord": {"enabled": True, "format": words}})["receivers"]
        (channel,) = next(each for each in receivers if each["name"] == "critical")[kind]
        assert channel[key] == "secrets/discord_url"


@pytest.mark.parametrize(
    ("given", "told"), [("critical", "critical"), ("warning", "error"), ("info", "info"), ("", "warning")]
)
def test_pagerduty_is_told_the_severity_of_the_mapping(amtool: Path, given: str, told: str) -> None:
    """channels.yml says what each severity is called at PagerDuty."""
    own = {"critical": "critical", "warning": "error", "info": "info", "other": "warning"}
    receivers = made_of({"pagerduty": {"enabled": True, "severities": own}})["receivers"]
    (channel,) = next(each for each in receivers if each["name"] == "critical")["pagerduty_configs"]
    command = [amtool, "template", "render", "--template.glob=/dev/null", "--template.data=/dev/stdin"]
    rendered = subprocess.run(
        [*map(str, command), f"--template.text={channel['severity']}"],
        input=json.dumps({"commonLabels": {"severity": given}}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert rendered.stdout.strip() == told, rendered.stderr


@pytest.mark.parametrize("cooldown", COOLDOWNS)
@pytest.mark.parametrize("name", ["TradingMemoryHigh", "TradingCpuHigh"])
@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_cooldown_is_the_interval_of_repeats(severity: str, name: str, cooldown: str) -> None:
    """Whatever cooldown a rule names, its first channels are told again after exactly that."""
    routes = leaves(made_of()["route"], {"alertname": name, "severity": severity, "cooldown": cooldown})
    first = routes[1]  # behind the exporter
    assert first["receiver"].startswith(severity)
    assert first["repeat_interval"] == cooldown


def test_the_table_has_every_alert() -> None:
    """Each rule, with its severity and cooldown, is a row of the table; only the watchdog is none."""
    rules = {(each["alert"], each["labels"]["severity"], each["labels"].get("cooldown")) for each in alerts()}
    assert {rule for rule in rules if rule[0] != "TradingWatchdog"} <= {row[:3] for row in TABLE}


@ALERTS
def test_cooldown_of_each_rule_is_known(alert: dict[str, Any]) -> None:
    """Every rule that tells somebody names a cooldown that there is a route for."""
    if alert["alert"] != "TradingWatchdog":
        assert alert["labels"]["cooldown"] in COOLDOWNS


@pytest.mark.parametrize(("severity", "wait"), [("critical", "5s"), ("warning", "30s"), ("info", "30s")])
def test_first_message_comes_soon(severity: str, wait: str) -> None:
    """The first channels wait only as long as it takes to group what belongs together."""
    for name in ("TradingMemoryHigh", "TradingCpuHigh"):
        route = leaves(made_of()["route"], {"alertname": name, "severity": severity})[1]
        assert route["group_wait"] == wait


@pytest.mark.parametrize(("severity", "wait"), [("critical", "15m"), ("warning", "1h")])
def test_email_waits(severity: str, wait: str) -> None:
    """Email comes for each alert by itself, after the wait of its severity."""
    *_, email = leaves(made_of()["route"], {"alertname": "TradingMemoryHigh", "severity": severity})
    assert (email["receiver"], email["group_wait"], email["group_by"]) == ("email", wait, ["..."])


def test_intervals_divide() -> None:
    """Every repeat interval is a multiple of its group interval: it is looked at only then."""
    for route in with_inherited_times(made_of()["route"]):
        assert seconds(route["repeat_interval"]) % seconds(route["group_interval"]) == 0


@pytest.mark.parametrize(
    ("exchange", "severity", "muted"),
    [
        ("alpha", "critical", ["upgrade", "holiday"]),
        ("alpha", "", ["upgrade", "holiday"]),
        ("beta", "warning", ["holiday"]),
        ("", "info", ["holiday"]),
        ("", "", ["holiday"]),
    ],
)
@pytest.mark.parametrize("cooldown", ["", "10m"])
@pytest.mark.parametrize("name", ["TradingCpuHigh", "TradingMemoryHigh"])
def test_windows_mute_every_route_but_the_exporters(
    exchange: str, severity: str, muted: list[str], cooldown: str, name: str
) -> None:
    """A window holds for all that tell people of its exchanges; incidents are kept all the same."""
    labels = {"alertname": name, "exchange": exchange, "severity": severity, "cooldown": cooldown}
    heard, *told = leaves(made_of({**EVERYTHING, "maintenance": WINDOWS})["route"], labels)
    assert (heard["receiver"], heard.get("mute_time_intervals")) == ("incidents", None)
    assert told
    assert all(route["mute_time_intervals"] == muted for route in told)


def test_every_channel_says_when_it_is_over() -> None:
    """Resolved messages are sent everywhere, whatever the channel's default is."""
    channels = [
        channel
        for receiver in made_of()["receivers"]
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
        for rule in committed()["inhibit_rules"]
        for matcher in (*rule["source_matchers"], *rule["target_matchers"])
        if matcher.startswith("alertname")
    ]
    named = {name for matcher in matchers for name in re.findall(r"Trading[A-Z]\w+", matcher)}
    assert named
    assert named <= known


def test_email_at_once_names_alerts_that_exist() -> None:
    """What is mailed without waiting are alerts that there are rules for."""
    at_once = set(load().email.at_once)
    assert at_once
    assert at_once <= {alert["alert"] for alert in alerts()}


@pytest.mark.parametrize("channels", [{}, EVERYTHING], ids=["committed", "everything"])
def test_secrets_stay_out_of_the_configuration(channels: dict[str, Any]) -> None:
    """No secret is written in the configuration: what is one comes from a file in the folder secrets."""
    text = yaml.safe_dump(made_of(channels))
    secret = r"routing_key|service_key|api_url|slack_api_url|webhook_url|credentials|\w*password|\w*token"
    assert not re.search(rf"^\s*-?\s*({secret}):", text, re.MULTILINE)
    files = set(re.findall(r"^\s*-?\s*\w+_file: (\S+)", text, re.MULTILINE))
    assert len(files) == (5 if channels else 0)
    assert all(name.startswith("secrets/") for name in files)
    assert (FOLDER / "secrets" / ".gitignore").read_text().splitlines()[1:] == ["*", "!.gitignore", "!README.md"]


def test_every_secret_is_explained() -> None:
    """The README of the folder and the page about alerting name every file that a secret is read from."""
    files = set(re.findall(r"secrets/(\w+)", yaml.safe_dump(made_of({**EVERYTHING, "heartbeat": {"enabled": True}}))))
    readme = (FOLDER / "secrets" / "README.md").read_text()
    page = (FOLDER.parent / "docs" / "alerting.md").read_text()
    assert files
    for name in files:
        assert f"`{name}`" in readme
        assert f"> secrets/{name}" in page
