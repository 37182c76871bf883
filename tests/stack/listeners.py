"""Where alerts arrive in tests: a mail server, and what all channels were told, read alike."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache

from aiosmtpd.smtp import SMTP, Envelope, Session

from simulator.stack.ports import LOOPBACK
from tests.prometheus.rules import alerts
from tests.stack.harness import Received


@dataclass(slots=True)
class Mails:
    """What a mail server on loopback was given, with the Unix time of each."""

    port: int = 0
    received: list[EmailMessage] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    _news: asyncio.Queue[EmailMessage] = field(default_factory=asyncio.Queue)

    async def next(self, seconds: float = 60.0) -> EmailMessage:
        """Give the next that was not given yet, waiting for it."""
        async with asyncio.timeout(seconds):
            return await self._news.get()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a message."""
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, EmailMessage, policy=policy.default)
        self.received.append(message)
        self.times.append(time.time())
        self._news.put_nowait(message)
        return "250 taken"


@asynccontextmanager
async def mail_server() -> AsyncIterator[Mails]:
    """A server on loopback that takes any mail, without encryption or login."""
    mails, loop = Mails(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mails, hostname="localhost", loop=loop), LOOPBACK, 0)
    mails.port = server.sockets[0].getsockname()[1]
    async with server:
        yield mails


@dataclass(frozen=True, slots=True)
class Told:
    """One message about an alert: where it came, and what its title says.

    ``severity`` is empty where the alert is over; ``where`` are the labels of the title.
    """

    channel: str
    alert: str
    severity: str
    where: str
    at: float


CHANNELS = {"/slack": "slack", "/discord": "discord", "/pagerduty": "pagerduty", "/sms": "sms"}
"""The path of each channel that a `Listener` plays; mail comes from a `Mails`."""

_TITLE = re.compile(r"(CRITICAL|WARNING|INFO|ALERT|RESOLVED)\b\s*(.*)")


def told(received: Iterable[Received], mails: Mails) -> list[Told]:
    """Give all that was told so far, in the order of time."""
    posted = [_read(CHANNELS[got.path], _title(got), got.at) for got in received if got.path in CHANNELS]
    mailed = [_read("mail", str(mail["Subject"]), at) for mail, at in zip(mails.received, mails.times, strict=True)]
    return sorted([*posted, *mailed], key=lambda one: one.at)


def _title(got: Received) -> str:
    """The title of a message in the words of its channel."""
    body = got.body
    match CHANNELS[got.path]:
        case "pagerduty":
            return str(body["payload"]["summary"])
        case "sms":
            return str(body["message"])
    return str(body["attachments"][0]["title"])


def _read(channel: str, title: str, at: float) -> Told:
    found = _TITLE.match(" ".join(title.split()))
    assert found, title
    state, rest = found.groups()
    name, summary = next(((name, text) for text, name in _summaries().items() if text in rest), ("?", rest))
    where = rest.split(summary)[0].rstrip(": ")
    return Told(channel, name, "" if state == "RESOLVED" else state.lower(), where, at)


@cache
def _summaries() -> dict[str, str]:
    """The alert of each summary."""
    return {rule["annotations"]["summary"]: rule["alert"] for rule in alerts()}
