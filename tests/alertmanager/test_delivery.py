"""The real Alertmanager with the committed routes sends to local listeners; its waits are 300 times shorter."""

from __future__ import annotations

import re
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from exporter.config import parse
from exporter.service import running
from simulator.stack import components, find_binary
from simulator.stack.ports import LOOPBACK, free_port
from simulator.stack.processes import Stack
from tests.alertmanager.routes import SEVERITIES, made_of, quicker
from tests.prometheus.rules import alerts
from tests.stack.harness import Listener, Received, eventually
from tests.stack.listeners import mail_server

pytestmark = pytest.mark.stack

QUICKER = 300  # five seconds become 17 ms, fifteen minutes 3 s
SLACK, PAGERDUTY, DISCORD, SMS, INCIDENTS = "/slack/webhook", "/pagerduty", "/discord", "/v1/sms", "/v1/alerts"

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sender:
    """What Prometheus does to Alertmanager: it posts alerts, and again with an end when they are over."""

    url: str
    session: aiohttp.ClientSession

    async def send(self, *alerts_to_send: Mapping[str, Any]) -> None:
        async with self.session.post(f"{self.url}/api/v2/alerts", json=alerts_to_send, raise_for_status=True):
            pass

    async def fire(self, *labels: Labels, **annotations: str) -> None:
        """Let alerts fire, with the texts of the rules or the annotations given."""
        await self.send(*({"labels": one, "annotations": annotations or texts(one)} for one in labels))

    async def resolve(self, *labels: Labels) -> None:
        await self.send(*({"labels": one, "annotations": texts(one), "endsAt": _now()} for one in labels))

    async def status(self, labels: Labels) -> dict[str, Any]:
        """Give the status of the alert with exactly these labels; empty while it is not known."""
        async with self.session.get(f"{self.url}/api/v2/alerts", raise_for_status=True) as response:
            known = await response.json()
        return next((alert["status"] for alert in known if alert["labels"] == labels), {})

    async def metrics(self) -> str:
        async with self.session.get(f"{self.url}/metrics", raise_for_status=True) as response:
            return await response.text()


NewSender = Callable[..., Awaitable[Sender]]


def _now() -> str:
    return datetime.now(UTC).isoformat()


def texts(labels: Labels) -> dict[str, str]:
    """The annotations of the rule, with a value where the rule computes one."""
    rule = next(rule for rule in alerts() if rule["alert"] == labels["alertname"])
    description = f"{labels.get('exchange', 'It')} answered 0% of requests, target at least 95%."
    return {**rule["annotations"], "description": description}


def unavailable(exchange: str) -> dict[str, str]:
    return {"alertname": "TradingExchangeUnavailable", "exchange": exchange, "severity": "critical", "cooldown": "5m"}


def errors(exchange: str, severity: str) -> dict[str, str]:
    cooldown = {"critical": "3m", "warning": "15m"}[severity]
    return {
        "alertname": "TradingExchangeErrorRateHigh",
        "exchange": exchange,
        "severity": severity,
        "cooldown": cooldown,
    }


def stale(exchange: str, symbol: str = "BTC/USDT") -> dict[str, str]:
    labels = {"alertname": "TradingMarketDataStale", "exchange": exchange, "symbol": symbol}
    return {**labels, "severity": "warning", "cooldown": "15m"}


def reads_discord_from_a_file() -> bool:
    """Whether the Alertmanager here is new enough to speak Discord's own words with the address in a file."""
    version = subprocess.run([find_binary("alertmanager"), "--version"], capture_output=True, text=True, check=True)
    match = re.search(r"version (\d+)\.(\d+)", version.stdout + version.stderr)
    return match is None or (int(match[1]), int(match[2])) >= (0, 27)  # built from source it has no number


@pytest.fixture
async def new_sender(stack: Stack, listener: Listener) -> AsyncIterator[NewSender]:
    """Start Alertmanager: ``await new_sender(CHANNELS, secrets=…, smtp_port=…)``; by default Slack and PagerDuty."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:

        async def start(
            channels: Mapping[str, Any] | None = None,
            *,
            secrets: Mapping[str, str] | None = None,
            smtp_port: int | None = None,
        ) -> Sender:
            wanted: dict[str, Any] = {"slack": {"enabled": True}, "pagerduty": {"enabled": True}, **(channels or {})}
            wanted["pagerduty"] = wanted["pagerduty"] | {"url": f"{listener.url}{PAGERDUTY}"}
            wanted["exporter"] = {"url": listener.url, **wanted.get("exporter", {})}
            wanted["email"] = {"enabled": smtp_port is not None, "server": f"{LOOPBACK}:{smtp_port or free_port()}"}
            config = made_of(wanted)
            for receiver in config["receivers"]:
                for each in receiver.get("discord_configs", ()):
                    if not reads_discord_from_a_file():
                        each["webhook_url"] = f"{listener.url}{DISCORD}"
                        del each["webhook_url_file"]
            component = components.alertmanager(
                stack.run_dir,
                port=free_port(),
                channels=wanted,
                secrets=_secrets(listener.url) if secrets is None else secrets,
                overrides={"receivers": config["receivers"], "route": quicker(config["route"], QUICKER)},
            )
            await stack.start(component)
            return Sender(component.url, session)

        yield start


def _secrets(url: str) -> dict[str, str]:
    """The files of the folder ``secrets``, with a final line end as an editor leaves it."""
    addresses = {"slack_url": f"{url}{SLACK}\n", "discord_url": f"{url}{DISCORD}\n"}
    return {**addresses, "pagerduty_key": "the-key\n", "exporter_token": "the-token-of-this-test\n"}


def to(path: str, part: str) -> Callable[[Received], bool]:
    return lambda got: got.path == path and part in str(got.body)


def to_slack(part: str) -> Callable[[Received], bool]:
    return lambda got: got.path == SLACK and part in got.body["attachments"][0]["title"]


def to_pagerduty(action: str, part: str) -> Callable[[Received], bool]:
    def condition(got: Received) -> bool:
        return got.path == PAGERDUTY and got.body["event_action"] == action and part in str(got.body)

    return condition


async def test_critical_alert_is_announced_and_ended_on_both_channels(
    new_sender: NewSender, listener: Listener
) -> None:
    """Slack and PagerDuty get a critical alert with its figures and its runbook, and later that it is over."""
    sender = await new_sender()
    await sender.fire(unavailable("alpha"))

    message = (await listener.wait_for(to_slack("CRITICAL"))).body
    (attachment,) = message["attachments"]
    assert message["channel"] == "#trading-alerts"
    assert message["username"] == "Trading alerts"
    assert attachment["title"] == "CRITICAL alpha: An exchange does not answer."
    assert attachment["title_link"].endswith("/docs/runbook.md#tradingexchangeunavailable")
    assert attachment["color"] == "danger"
    description, links = attachment["text"].splitlines()
    assert description.startswith("alpha answered 0% of requests, target at least 95%. _since ")
    dashboard = "http://127.0.0.1:3000/d/trading-trading?var-exchange=alpha"
    assert links == f"<{attachment['title_link']}|Runbook> · <{dashboard}|Dashboard>"

    page = (await listener.wait_for(to_pagerduty("trigger", "alpha"))).body
    assert page["routing_key"] == "the-key"
    assert page["payload"]["summary"] == "CRITICAL alpha: An exchange does not answer."
    assert page["payload"]["severity"] == "critical"
    assert page["payload"]["component"] == "alpha"
    assert "target at least 95%" in page["payload"]["custom_details"]["firing"]
    assert [link["href"] for link in page["links"]] == [attachment["title_link"], dashboard]

    await sender.resolve(unavailable("alpha"))
    (attachment,) = (await listener.wait_for(to_slack("RESOLVED"))).body["attachments"]
    assert attachment["title"] == "RESOLVED alpha: An exchange does not answer."
    assert attachment["color"] == "good"
    assert "resolved after " in attachment["text"]
    assert "95%" not in attachment["text"]
    over = (await listener.wait_for(to_pagerduty("resolve", "alpha"))).body
    assert over["dedup_key"] == page["dedup_key"]


async def test_the_exporter_knows_incidents_and_sends_texts(
    new_sender: NewSender, listener: Listener, tmp_path: Path
) -> None:
    """The real Alertmanager hands incidents and texts to a real exporter, which sends them through apprise."""
    host = listener.url.removeprefix("http://")
    for name, text in (("token", "the-token-of-this-test"), ("url", f"json://{host}/gateway")):
        (tmp_path / name).write_text(text)
    token = {"file": str(tmp_path / "token")}
    config = {
        "web": {"listen": f"{LOOPBACK}:0"},
        "incidents": {"token": token},
        "sms": {"token": token, "urls": [{"file": str(tmp_path / "url")}]},
    }
    async with running(parse(yaml.safe_dump(config))) as (url, state):
        sender = await new_sender({"exporter": {"incidents": True, "url": url}, "sms": {"enabled": True}})
        watchdog = {"alertname": "TradingWatchdog", "severity": "info"}
        await sender.fire(unavailable("alpha"), stale("beta"), watchdog)
        first = await listener.wait_for(to("/gateway", "CRITICAL"))
        assert first.body["message"] == (
            "CRITICAL alpha: An exchange does not answer. alpha answered 0% of requests, target at least 95%."
        )

        async def begun() -> bool:
            return {each.severity for each in state.incidents.open()} == {"critical", "warning"}

        await eventually(begun)
        assert state.components["alertmanager"].up
        await sender.resolve(unavailable("alpha"))
        last = await listener.wait_for(to("/gateway", "RESOLVED"))
        assert last.body["message"] == "RESOLVED alpha: An exchange does not answer."

        async def over() -> bool:
            return [each.name for each in state.incidents.open()] == ["TradingMarketDataStale"]

        await eventually(over)
        assert dict(state.incidents.totals) == {"critical": 1, "warning": 1}
        assert sum(state.incidents.resolution.counts) == 1
    texts_sent = [got.body["message"].split()[0] for got in listener.received if got.path == "/gateway"]
    assert list(dict.fromkeys(texts_sent)) == ["CRITICAL", "RESOLVED"]


@pytest.mark.parametrize("words", ["discord", "slack"])
async def test_each_channel_gets_what_is_meant_for_it(new_sender: NewSender, listener: Listener, words: str) -> None:
    """Critical reaches all, warning and info Slack and Discord; the exporter gets all, with its token."""
    channels = {
        "discord": {"enabled": True, "severities": SEVERITIES, "format": words},
        "exporter": {"incidents": True},
        "sms": {"enabled": True, "severities": ["critical"]},
    }
    async with mail_server() as mails:
        sender = await new_sender(channels, smtp_port=mails.port)
        slow = {"alertname": "TradingResponseTimeHigh", "severity": "critical", "cooldown": "5m"}  # mailed at once
        more = {"alertname": "TradingThroughputAnomaly", "severity": "info", "cooldown": "30m"}
        await sender.fire(slow, stale("beta"), more)
        for path in (SLACK, DISCORD, INCIDENTS):
            for name in ("TradingResponseTimeHigh", "TradingMarketDataStale", "TradingThroughputAnomaly"):
                await listener.wait_for(to(path, runbook(name)))
        for path in (PAGERDUTY, SMS):
            await listener.wait_for(to(path, runbook("TradingResponseTimeHigh")))
        assert (await mails.next())["Subject"].startswith("CRITICAL: ")
    assert {part for got in listener.received if got.path in {PAGERDUTY, SMS} for part in named(got)} == {
        "tradingresponsetimehigh"
    }
    for got in listener.received:
        token = got.headers.get("Authorization")
        assert token == ("Bearer the-token-of-this-test" if got.path in {SMS, INCIDENTS} else None)
    discord = (await listener.wait_for(to(DISCORD, "tradingmarketdatastale"))).body
    embed = discord["embeds" if words == "discord" else "attachments"][0]
    assert embed["title"] == "WARNING beta BTC/USDT: Market data is out of date."
    assert "var-exchange=beta" in str(embed)


def runbook(name: str) -> str:
    return f"runbook.md#{name.lower()}"


def named(got: Received) -> set[str]:
    """The alerts that a message names, by the headings of the runbook that it links to."""
    return set(re.findall(r"runbook\.md#(\w+)", str(got.body)))


async def test_cooldown_holds(new_sender: NewSender, listener: Listener) -> None:
    """By the time one alert was told again and again after 3 min each, another of 30 min was told once."""
    sender = await new_sender()
    seldom = {"alertname": "TradingCacheHitRateLow", "tier": "l3", "severity": "warning", "cooldown": "30m"}
    await sender.fire(seldom, errors("alpha", "critical"))

    def often() -> int:
        return sum(to_slack("CRITICAL alpha")(got) for got in listener.received)

    await listener.wait_for(lambda _: often() >= 4)
    assert sum(to_slack("WARNING l3")(got) for got in listener.received) == 1


async def test_window_of_maintenance_mutes(new_sender: NewSender, listener: Listener) -> None:
    """Nobody is told of an exchange within its window, however bad it is; the exporter is, and of others all are."""
    always = [{"name": "upgrade", "exchanges": ["alpha"], "weekdays": ["sunday:saturday"], "location": "Asia/Tokyo"}]
    async with mail_server() as mails:
        channels = {"maintenance": always, "exporter": {"incidents": True}, "sms": {"enabled": True}}
        sender = await new_sender(channels, smtp_port=mails.port)
        drift = {"alertname": "TradingBalanceDrift", "exchange": "alpha", "severity": "warning", "cooldown": "15m"}
        await sender.fire(unavailable("alpha"), drift)
        await listener.wait_for(to(INCIDENTS, "TradingBalanceDrift"))
        await sender.fire(unavailable("beta"))  # its waits begin after those of alpha and so end after them
        await listener.wait_for(to_slack("CRITICAL beta"))
        assert (await mails.next())["Subject"] == "CRITICAL beta: An exchange does not answer."
    assert {got.path for got in listener.received if "alpha" in str(got.body)} == {INCIDENTS}
    assert len(mails.received) == 1


@pytest.mark.parametrize("dead", [SLACK, PAGERDUTY, DISCORD, SMS, "mail"])
async def test_dead_channel_does_not_stop_the_others(new_sender: NewSender, listener: Listener, dead: str) -> None:
    """All other channels are told while one of them refuses everything."""
    listener.refused = frozenset({dead})
    async with mail_server() as mails:
        channels = {"discord": {"enabled": True}, "sms": {"enabled": True}}
        sender = await new_sender(channels, smtp_port=free_port() if dead == "mail" else mails.port)
        await sender.fire({"alertname": "TradingResponseTimeHigh", "severity": "critical", "cooldown": "5m"})
        for path in {SLACK, PAGERDUTY, DISCORD, SMS} - {dead}:
            await listener.wait_for(to(path, runbook("TradingResponseTimeHigh")))
        if dead != "mail":
            assert (await mails.next())["Subject"].startswith("CRITICAL")


async def test_channel_that_is_gone_does_not_keep_the_end_from_the_other(
    new_sender: NewSender, listener: Listener
) -> None:
    """PagerDuty is paged, and told when it is over, while nothing listens at Slack's address."""
    nobody = f"http://{LOOPBACK}:{free_port()}/"
    sender = await new_sender(secrets={"slack_url": nobody, "pagerduty_key": "the-key"})
    await sender.fire(unavailable("alpha"))
    await listener.wait_for(to_pagerduty("trigger", "alpha"))
    await sender.resolve(unavailable("alpha"))
    await listener.wait_for(to_pagerduty("resolve", "alpha"))
    assert all(got.path == PAGERDUTY for got in listener.received)


async def test_one_outage_is_one_message(new_sender: NewSender, listener: Listener) -> None:
    """An exchange that does not answer holds back its own error and stale-data alerts, and no other's."""
    sender = await new_sender()
    held_back = [errors("alpha", "critical"), errors("alpha", "warning"), stale("alpha")]
    await sender.fire(unavailable("alpha"))
    await listener.wait_for(to_slack("CRITICAL alpha: An exchange does not answer."))
    await sender.fire(*held_back, stale("beta"))
    await listener.wait_for(to_slack("WARNING beta BTC/USDT: Market data"))
    for labels in held_back:
        assert (await sender.status(labels))["state"] == "suppressed"
    assert (await sender.status(stale("beta")))["state"] == "active"
    about_alpha = {str(got.body) for got in listener.received if "alpha" in str(got.body)}
    assert about_alpha
    assert not any("fails too many" in text or "out of date" in text for text in about_alpha)


async def test_critical_alert_holds_back_its_own_warning(new_sender: NewSender, listener: Listener) -> None:
    """The warning of an alert is silent while the critical one of the same exchange fires, and only there."""
    sender = await new_sender()
    await sender.fire(errors("alpha", "critical"))
    await listener.wait_for(to_slack("CRITICAL alpha"))
    await sender.fire(errors("alpha", "warning"), errors("beta", "warning"))
    await listener.wait_for(to_slack("WARNING beta"))
    assert (await sender.status(errors("alpha", "warning")))["state"] == "suppressed"
    assert not any(to_slack("WARNING alpha")(got) for got in listener.received)


def burning(slo: str) -> dict[str, str]:
    return {"alertname": "TradingSloBurnRate", "slo": slo, "severity": "critical", "cooldown": "5m"}


@pytest.mark.parametrize(
    ("plain", "held", "told"),
    [
        ("TradingResponseTimeHigh", {"alertname": "TradingResponseTimeAnomaly"}, {"alertname": "TradingPnlAnomaly"}),
        ("TradingLossLimit", {"alertname": "TradingPnlAnomaly"}, {"alertname": "TradingResponseTimeAnomaly"}),
        ("TradingErrorRateHigh", burning("errors"), burning("latency_p95")),
        ("TradingErrorRateHigh", burning("availability"), burning("exchange") | {"exchange": "alpha"}),
        ("TradingResponseTimeHigh", burning("latency_p99"), burning("errors")),
    ],
)
async def test_plain_alert_holds_back_what_says_the_same(
    new_sender: NewSender, plain: str, held: dict[str, str], told: dict[str, str]
) -> None:
    """An anomaly or a burn rate is silent while a plain alert tells its cause, and only that one."""
    sender = await new_sender()
    source = {"alertname": plain, "severity": "critical", "cooldown": "5m"}
    held, told = ({"severity": "warning", "cooldown": "15m", **labels} for labels in (held, told))
    await sender.fire(source, held, told)

    async def settled() -> bool:
        return [(await sender.status(labels)).get("state") for labels in (source, held, told)] == [
            "active",
            "suppressed",
            "active",
        ]

    await eventually(settled)


@pytest.mark.parametrize(("exporters", "state"), [("all", "suppressed"), ("some", "active")])
async def test_exporter_down(new_sender: NewSender, exporters: str, state: str) -> None:
    """Other trading alerts are held back when no exporter is left, and only then; what needs none never is."""
    sender = await new_sender()
    down = {"alertname": "TradingExporterDown", "exporters": exporters, "severity": "critical", "cooldown": "5m"}
    watchdog = {"alertname": "TradingWatchdog", "severity": "info"}
    by_slack, by_webhook = (
        {"alertname": "TradingNotificationsFailing", "integration": name, "severity": "critical", "cooldown": "5m"}
        for name in ("slack", "webhook")
    )
    await sender.fire(down, unavailable("alpha"), watchdog, by_slack, by_webhook)

    async def settled() -> bool:
        states = {(await sender.status(labels)).get("state") for labels in (unavailable("alpha"), by_webhook)}
        return states == {state}

    await eventually(settled)
    assert (await sender.status(down))["state"] == "active"
    assert (await sender.status(by_slack))["state"] == "active"
    assert (await sender.status(watchdog))["state"] != "suppressed"


async def test_many_alerts_are_a_message_that_a_phone_shows(new_sender: NewSender, listener: Listener) -> None:
    """Of all symbols of an exchange ten are described, with how many there are; Discord takes no more than 4096."""
    sender = await new_sender({"discord": {"enabled": True, "format": "slack"}})
    old = "The newest data is 12m 3s old, target at most 10s. First check whether its stream is up."
    symbols = [stale("alpha", f"COIN{number}/USDT") for number in range(100)]
    await sender.fire(*symbols, summary="Market data is out of date.", description=old)
    for path in (SLACK, DISCORD):
        (attachment,) = (await listener.wait_for(to(path, "(100 alerts)"))).body["attachments"]
        assert attachment["text"].count(old) == 10
        assert "At most ten of each are listed: 100 alerts fire, 0 are over." in attachment["text"]
        assert len(attachment["text"]) < 2000
    await sender.resolve(*symbols)
    (attachment,) = (await listener.wait_for(to_slack("RESOLVED"))).body["attachments"]
    assert attachment["text"].count("resolved after") == 10


async def test_alerts_of_one_exchange_come_together(new_sender: NewSender, listener: Listener) -> None:
    """Two symbols of one exchange are one message with a line for each; another exchange is another."""
    sender = await new_sender()
    await sender.fire(stale("alpha"), stale("alpha", "ETH/USDT"), stale("beta"))
    both = (await listener.wait_for(to_slack("WARNING alpha"))).body["attachments"][0]
    assert both["title"] == "WARNING alpha: Market data is out of date. (2 alerts)"
    assert both["text"].count("_since ") == 2
    await listener.wait_for(to_slack("WARNING beta"))


async def test_labels_cannot_mention_people_or_forge_links(new_sender: NewSender, listener: Listener) -> None:
    """Text from outside reaches Slack as text: it neither calls a channel nor makes a link."""
    sender = await new_sender()
    await sender.fire(stale("alpha"), summary="A summary.", description="<!channel> & <http://evil|bank>")
    (attachment,) = (await listener.wait_for(to_slack("WARNING"))).body["attachments"]
    assert attachment["text"].startswith("&lt;!channel&gt; &amp; &lt;http://evil|bank&gt; _since")


async def test_labels_cannot_forge_a_title_or_a_link_to_the_dashboard(
    new_sender: NewSender, listener: Listener
) -> None:
    """What stands in a title is escaped for each channel, and in a link as part of an address."""
    sender = await new_sender({"discord": {"enabled": True}})
    await sender.fire(stale("<!here>|a&b=c", "[x](http://evil)"), summary="A summary.", description="@everyone **no**")
    (attachment,) = (await listener.wait_for(to(SLACK, "A summary"))).body["attachments"]
    assert attachment["title"] == "WARNING &lt;!here&gt;|a&amp;b=c [x](http://evil): A summary."
    assert "var-exchange=%3C%21here%3E%7Ca%26b%3Dc|Dashboard>" in attachment["text"]
    (embed,) = (await listener.wait_for(to(DISCORD, "A summary"))).body["embeds"]
    assert embed["title"] == r"WARNING \<!here\>\|a&b=c \[x\]\(http://evil\): A summary."
    assert embed["description"].startswith(r"\@everyone \*\*no\*\*")


async def test_a_rule_may_name_its_own_dashboard(new_sender: NewSender, listener: Listener) -> None:
    """The annotation dashboard_url, where there is one, is what messages link to."""
    sender = await new_sender()
    await sender.fire(stale("alpha"), summary="A summary.", dashboard_url="http://grafana/d/risk")
    (attachment,) = (await listener.wait_for(to_slack("WARNING alpha"))).body["attachments"]
    assert attachment["text"].endswith("<http://grafana/d/risk|Dashboard>")
    assert attachment["title_link"] == "http://grafana/d/risk"


async def test_no_secret_is_a_counted_failure(new_sender: NewSender, listener: Listener) -> None:
    """Without any secret Alertmanager runs, takes alerts, and counts the messages that it could not send."""
    sender = await new_sender({"discord": {"enabled": True, "format": "slack"}}, secrets={})
    await sender.fire(unavailable("alpha"))

    async def failed() -> bool:
        counts = _failures(await sender.metrics())
        return all(counts.get(name) for name in ("slack", "pagerduty"))

    await eventually(failed)
    assert (await sender.status(unavailable("alpha")))["state"] == "active"
    assert listener.received == []


def _failures(metrics: str) -> dict[str, float]:
    """The failed notifications by integration; newer versions tell them apart by reason, too."""
    counts: dict[str, float] = {}
    for line in metrics.splitlines():
        if line.startswith("alertmanager_notifications_failed_total{"):
            name = line.split('integration="')[1].split('"')[0]
            counts[name] = counts.get(name, 0.0) + float(line.rsplit(" ", 1)[1])
    return counts


async def test_email_comes_later_and_only_for_what_still_fires(new_sender: NewSender, listener: Listener) -> None:
    """An alert that is over before the wait is never mailed; one that goes on is, and its end as well."""
    async with mail_server() as mails:
        sender = await new_sender(smtp_port=mails.port)
        await sender.fire(unavailable("alpha"))
        await listener.wait_for(to_slack("CRITICAL alpha"))
        await sender.resolve(unavailable("alpha"))
        await listener.wait_for(to_slack("RESOLVED alpha"))
        assert mails.received == []
        await sender.fire(unavailable("beta"))  # its wait begins after alpha's and so ends after it
        first = await mails.next()
        assert first["Subject"] == "CRITICAL beta: An exchange does not answer."
        assert (first["From"], first["To"]) == ("alertmanager@localhost", "root@localhost")
        for part in ("plain", "html"):
            body = first.get_body((part,))
            assert body is not None
            assert "target at least 95%" in body.get_content()
            assert "runbook.md#tradingexchangeunavailable" in body.get_content()
        await sender.resolve(unavailable("beta"))
        assert (await mails.next())["Subject"] == "RESOLVED beta: An exchange does not answer."
