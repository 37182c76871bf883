"""What may stand in ``channels.yml``, and what is checked before anything is made of it."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from exporter.config import Section, document
from exporter.errors import ConfigError

FILE = Path(__file__).with_name("channels.yml")

Severity = Literal["critical", "warning", "info"]
Duration = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]*[smh]$")]
Address = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s{}\"'<>|]+$")]
Mailbox = Annotated[str, msgspec.Meta(pattern=r"^[^\s@,<>{}]+@[^\s@,<>{}]+$")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"^[^{}]*$")]
Alert = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Clock = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]

WEEK = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
"""The days in the order of Alertmanager, whose ranges do not go over Saturday."""

_WEEKDAY = f"({'|'.join(WEEK)})"
Weekdays = Annotated[str, msgspec.Meta(pattern=f"^{_WEEKDAY}(:{_WEEKDAY})?$")]
_DAY = "-?([1-9]|[12][0-9]|3[01])"
Days = Annotated[str, msgspec.Meta(pattern=f"^{_DAY}(:{_DAY})?$")]
YEAR = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH = f"({'|'.join(YEAR)}|[1-9]|1[0-2])"
Months = Annotated[str, msgspec.Meta(pattern=f"^{_MONTH}(:{_MONTH})?$")]
Years = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}(:[0-9]{4})?$")]


class Slack(Section, frozen=True):
    """An incoming webhook."""

    enabled: bool = False
    channel: Text = "#trading-alerts"
    sender: Text = "Trading alerts"


PagerDutySeverity = Literal["critical", "error", "warning", "info"]


class PagerDutySeverities(Section, frozen=True):
    """What PagerDuty is told for each severity; ``other`` is for alerts that have none of ours."""

    critical: PagerDutySeverity = "critical"
    warning: PagerDutySeverity = "warning"
    info: PagerDutySeverity = "info"
    other: PagerDutySeverity = "error"


class PagerDuty(Section, frozen=True):
    """A service with an integration of the Events API v2."""

    enabled: bool = False
    url: Address = "https://events.pagerduty.com/v2/enqueue"
    severities: PagerDutySeverities = PagerDutySeverities()


class Waits(Section, frozen=True):
    """How long an alert fires before it is mailed."""

    critical: Duration = "15m"
    warning: Duration = "1h"


class Email(Section, frozen=True):
    """A mail server; ``at_once`` are the alerts that are mailed without waiting."""

    enabled: bool = True
    server: Annotated[str, msgspec.Meta(pattern=r"^[^\s{}]+:[0-9]{1,5}$")] = "127.0.0.1:25"
    require_tls: bool = False
    username: str = ""
    sender: Mailbox = "alertmanager@localhost"
    to: Annotated[tuple[Mailbox, ...], msgspec.Meta(min_length=1)] = ("root@localhost",)
    at_once: tuple[Alert, ...] = ("TradingResponseTimeHigh", "TradingCpuHigh")
    after: Waits = Waits()


class Discord(Section, frozen=True):
    """A webhook; ``format`` says in whose words it is spoken to."""

    enabled: bool = False
    format: Literal["discord", "slack"] = "discord"
    severities: tuple[Severity, ...] = ("critical", "warning")


class Exporter(Section, frozen=True):
    """Where the exporter is, and whether it is told of every alert."""

    url: Address = "http://127.0.0.1:9850"
    incidents: bool = False


class Sms(Section, frozen=True):
    """Short messages, which the exporter sends."""

    enabled: bool = False
    severities: tuple[Severity, ...] = ("critical",)


class Heartbeat(Section, frozen=True):
    """Who hears each minute that alerts would reach Alertmanager; without ``url`` it is a secret."""

    enabled: bool = False
    url: Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s{}\"'<>|]+)?$")] = ""


class Links(Section, frozen=True):
    """Where a reader of a message gets to."""

    grafana: Address = "http://127.0.0.1:3000"


class Times(Section, frozen=True):
    """From one time of the day until another."""

    start: Clock
    end: Clock


class Window(Section, frozen=True):
    """A time at which nobody is told of alerts, or of those of some exchanges."""

    name: Text
    exchanges: tuple[Text, ...] = ()
    times: tuple[Times, ...] = ()
    weekdays: tuple[Weekdays, ...] = ()
    days_of_month: tuple[Days, ...] = ()
    months: tuple[Months, ...] = ()
    years: tuple[Years, ...] = ()
    location: str = "UTC"


class Channels(Section, frozen=True):
    """The whole file."""

    slack: Slack = Slack()
    pagerduty: PagerDuty = PagerDuty()
    email: Email = Email()
    discord: Discord = Discord()
    exporter: Exporter = Exporter()
    sms: Sms = Sms()
    heartbeat: Heartbeat = Heartbeat()
    links: Links = Links()
    maintenance: tuple[Window, ...] = ()


def load(path: Path = FILE) -> Channels:
    """Read and check the file; `ConfigError` names line, key and what to do."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read: {error}; start from the one of the repository"]) from None
    return parse(text, str(path))


def parse(text: str, where: str = "channels.yml") -> Channels:
    """Check the text of the file; ``where`` names it in messages."""
    read = document.read(text, where)
    try:
        channels = msgspec.convert(read.data, Channels, strict=True)
    except msgspec.ValidationError as error:
        raise ConfigError([_explain(str(error), read)]) from None
    problems = [read.problem(path, problem) for path, problem in _problems(channels)]
    if problems:
        raise ConfigError(problems)
    return channels


def _explain(message: str, read: document.Document) -> str:
    """msgspec's message, which ends in `` - at `$.a[0].b` ``, with line and key."""
    text, _, place = message.partition(" - at `")
    steps = re.findall(r"\.([^.\[\]`]+)|\[(\d+)\]", place)
    path: document.Path = tuple(int(index) if index else key for key, index in steps)
    unknown = re.search(r"unknown field `(.*)`", text, re.DOTALL)
    if unknown:
        close = difflib.get_close_matches(unknown[1], _known(path), 1)
        what = f"did you mean {close[0]!r}?" if close else "the committed channels.yml has every key"
        return read.problem((*path, unknown[1]), f"unknown key; {what}")
    return read.problem(path, f"{text.replace('`', '')}; the committed channels.yml has an example")


def _known(path: document.Path) -> list[str]:
    """The keys that there are at a path, as far as the defaults go."""
    there = msgspec.to_builtins(Channels())
    for step in path:
        there = there.get(step) if isinstance(there, dict) else None
    return list(there) if isinstance(there, dict) else []


def _problems(channels: Channels) -> Iterator[tuple[document.Path, str]]:
    names: set[str] = set()
    for index, window in enumerate(channels.maintenance):
        path: document.Path = ("maintenance", index)
        if window.name in names:
            yield (*path, "name"), f"{window.name!r} stands twice; give each window a name of its own"
        names.add(window.name)
        if not (window.times or window.weekdays or window.days_of_month or window.months or window.years):
            yield path, f"{window.name!r} would hold for ever; give its times, weekdays, days_of_month, months or years"
        if not _is_zone(window.location):
            yield (*path, "location"), f"{window.location!r} is no time zone; write for example Europe/Berlin, or UTC"
        for place, days in enumerate(window.weekdays):
            first, _, last = days.partition(":")
            if last and WEEK.index(first) > WEEK.index(last):
                text = f"{days} goes over Saturday, where the week ends; it is two: {first}:saturday, and sunday:{last}"
                yield (*path, "weekdays", place), text
        for key, place, span in _backwards(window):
            yield (*path, key, place), f"{span} ends before it begins; where it goes over the end it is two"
        for place, times in enumerate(window.times):
            if times.start >= times.end:
                text = f"{times.start} is not before {times.end}; over midnight it is two: until 24:00, and from 00:00"
                yield (*path, "times", place), text


def _backwards(window: Window) -> Iterator[tuple[str, int, str]]:
    """The spans of days, months and years that end before they begin, which Alertmanager refuses."""
    numbers: dict[str, Callable[[str], int]] = {
        "days_of_month": lambda day: int(day) % 32,  # below 0 they count from the end of a month
        "months": lambda month: YEAR.index(month) + 1 if month in YEAR else int(month),
        "years": int,
    }
    for key, number in numbers.items():
        for place, span in enumerate(getattr(window, key)):
            first, _, last = span.partition(":")
            if last and number(last) < number(first):
                yield key, place, span


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return name == "UTC"  # which is known without any list of zones
    return True
