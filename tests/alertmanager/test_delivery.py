"""The real Alertmanager with the committed routes sends to local listeners; its waits are 300 times shorter."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

import aiohttp
import pytest

from simulator.stack import components
from simulator.stack.ports import LOOPBACK, free_port
from simulator.stack.processes import Stack
from tests.alertmanager.routes import configuration, quicker
from tests.prometheus.rules import alerts
from tests.stack.harness import Listener, Received, eventually

pytestmark = pytest.mark.stack

QUICKER = 300  # five seconds become 17 ms, fifteen minutes 3 s
SLACK, PAGERDUTY = "/slack/webhook", "/pagerduty"

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
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


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


@pytest.fixture
async def new_sender(stack: Stack, listener: Listener) -> AsyncIterator[NewSender]:
    """Start Alertmanager: ``await new_sender(secrets=…, smtp_port=…)``; by default with Slack and PagerDuty."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:

        async def start(*, secrets: Mapping[str, str] | None = None, smtp_port: int | None = None) -> Sender:
            own = {
                "pagerduty_url": f"{listener.url}{PAGERDUTY}",
                "smtp_smarthost": f"{LOOPBACK}:{smtp_port or free_port()}",
                "smtp_require_tls": False,
            }
            # A final line end, as an editor leaves it.
            default = {"slack_url": f"{listener.url}{SLACK}\n", "pagerduty_key": "the-key\n"}
            component = components.alertmanager(
                stack.run_dir,
                port=free_port(),
                secrets=default if secrets is None else secrets,
                overrides={"global": own, "route": quicker(configuration()["route"], QUICKER)},
            )
            await stack.start(component)
            return Sender(component.url, session)

        yield start


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
    description, runbook = attachment["text"].splitlines()
    assert description.startswith("alpha answered 0% of requests, target at least 95%. _since ")
    assert runbook == f"<{attachment['title_link']}|Runbook>"

    page = (await listener.wait_for(to_pagerduty("trigger", "alpha"))).body
    assert page["routing_key"] == "the-key"
    assert page["payload"]["summary"] == "CRITICAL alpha: An exchange does not answer."
    assert page["payload"]["severity"] == "critical"
    assert page["payload"]["component"] == "alpha"
    assert "target at least 95%" in page["payload"]["custom_details"]["firing"]
    assert page["links"][0]["href"] == attachment["title_link"]

    await sender.resolve(unavailable("alpha"))
    (attachment,) = (await listener.wait_for(to_slack("RESOLVED"))).body["attachments"]
    assert attachment["title"] == "RESOLVED alpha: An exchange does not answer."
    assert attachment["color"] == "good"
    assert "resolved after " in attachment["text"]
    assert "95%" not in attachment["text"]
    over = (await listener.wait_for(to_pagerduty("resolve", "alpha"))).body
    assert over["dedup_key"] == page["dedup_key"]


async def test_dead_channel_does_not_stop_the_other(new_sender: NewSender, listener: Listener) -> None:
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
    await listener.wait_for(to_slack("WARNING beta: Market data"))
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


@pytest.mark.parametrize(("exporters", "state"), [("all", "suppressed"), ("some", "active")])
async def test_exporter_down(new_sender: NewSender, exporters: str, state: str) -> None:
    """Other trading alerts are held back when no exporter is left, and only then; the watchdog never is."""
    sender = await new_sender()
    down = {"alertname": "TradingExporterDown", "exporters": exporters, "severity": "critical", "cooldown": "5m"}
    watchdog = {"alertname": "TradingWatchdog", "severity": "info"}
    await sender.fire(down, unavailable("alpha"), watchdog)

    async def settled() -> bool:
        return (await sender.status(unavailable("alpha"))).get("state") == state

    await eventually(settled)
    assert (await sender.status(down))["state"] == "active"
    assert (await sender.status(watchdog))["state"] != "suppressed"


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


async def test_no_secret_is_a_counted_failure(new_sender: NewSender, listener: Listener) -> None:
    """Without any secret Alertmanager runs, takes alerts, and counts the messages that it could not send."""
    sender = await new_sender(secrets={})
    await sender.fire(unavailable("alpha"))

    async def failed() -> bool:
        counts = _failures(await sender.metrics())
        return bool(counts.get("slack") and counts.get("pagerduty"))

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


@dataclass(slots=True)
class Mails:
    """What a mail server on loopback was given."""

    port: int = 0
    received: list[EmailMessage] = field(default_factory=list)
    _news: asyncio.Queue[EmailMessage] = field(default_factory=asyncio.Queue)

    async def next(self, seconds: float = 60.0) -> EmailMessage:
        async with asyncio.timeout(seconds):
            return await self._news.get()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak as much SMTP as a client needs that neither encrypts nor logs in."""
        writer.write(b"220 ready\r\n")
        with contextlib.suppress(ConnectionError):
            while line := await reader.readline():
                verb = line[:4].upper()
                writer.write({b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(verb, b"250 ok\r\n"))
                if verb == b"QUIT":
                    break
                if verb == b"DATA":
                    await self._take(reader)
                    writer.write(b"250 taken\r\n")
        writer.close()

    async def _take(self, reader: asyncio.StreamReader) -> None:
        text = (await reader.readuntil(b"\r\n.\r\n")).decode()
        message = message_from_string(text.removesuffix(".\r\n"), EmailMessage, policy=policy.default)
        self.received.append(message)
        self._news.put_nowait(message)


@contextlib.asynccontextmanager
async def mail_server() -> AsyncIterator[Mails]:
    mails = Mails()
    server = await asyncio.start_server(mails.handle, LOOPBACK, 0)
    mails.port = server.sockets[0].getsockname()[1]
    async with server:
        yield mails
