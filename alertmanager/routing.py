"""The configuration of Alertmanager that follows from the channels: who is told, when, and what holds what back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from alertmanager.channels import Channels, Severity, Window
from exporter.events.alerts import PLACES

COOLDOWNS = ("3m", "5m", "10m", "15m", "30m")
"""What the label ``cooldown`` of a rule may say: how long until an alert that still fires is told again."""

DASHBOARD = "trading-trading"

# Receivers beside those of the severities.
NOBODY, INCIDENTS, EMAIL, OTHER, HEARTBEAT = "none", "incidents", "email", "other", "heartbeat"

_EVERY = "1m"  # what hears the same again and again, so that silence means something

# Until the first message, to group what belongs together; and the cooldown of a rule that names none.
_WAITS: dict[Severity, tuple[str, str]] = {"critical": ("5s", "5m"), "warning": ("30s", "15m")}

# What tells one thing from another: a critical alert holds back the warning of the same thing only.
_IDENTITY = (
    *("alertname", "exchange", "account", "symbol", "strategy", "currency", "bot", "app", "route", "cache", "tier"),
    *("model", "feature", "slo", "signal", "resource", "name", "instance"),
)

# What a plain alert says, and what need not be said then; of the whole system, so that no label has to be equal.
_PLAINER = (
    (('alertname = "TradingResponseTimeHigh"',), ('alertname = "TradingResponseTimeAnomaly"',)),
    (('alertname = "TradingLossLimit"',), ('alertname = "TradingPnlAnomaly"',)),
    (
        ('alertname = "TradingErrorRateHigh"',),
        ('alertname = "TradingSloBurnRate"', 'slo =~ "availability|errors"'),
    ),
    (
        ('alertname = "TradingResponseTimeHigh"', 'severity = "critical"'),
        ('alertname = "TradingSloBurnRate"', 'slo =~ "latency_.+"'),
    ),
)

_OF_A_DEAD_EXCHANGE = ("TradingExchangeErrorRateHigh", "TradingExchangeLatencyHigh", "TradingMarketDataStale")

_NO_EXPORTER = ['alertname = "TradingExporterDown"', 'exporters = "all"']

# What is known without any exporter.
_OF_THE_WAY = (
    *("TradingExporterDown", "TradingWatchdog", "TradingAlertmanagerDown", "TradingAlertsDropped"),
    *("TradingPrometheusRuleFailing", "TradingNotificationsFailing"),
)

Json = dict[str, Any]


def configuration(channels: Channels) -> Json:
    """The whole file."""
    config: Json = {"global": _settings(channels), "templates": ["templates/*.tmpl"], "route": _root(channels)}
    if channels.maintenance:
        config["time_intervals"] = [_interval(window) for window in channels.maintenance]
    return config | {"inhibit_rules": _inhibitions(), "receivers": _receivers(channels)}


def templates(channels: Channels) -> str:
    """The templates that are not written by hand: where messages link to, and what an alert is about."""
    base = channels.links.grafana.rstrip("/")
    link = f'{{{{ define "link.dashboard" }}}}{base}/d/{DASHBOARD}{{{{ end }}}}\n'
    named = (("trading", "."), *((kind, f'template "{kind}.safe" .') for kind in ("slack", "discord")))
    return link + "".join(_where(kind, value) for kind, value in named)


def _where(kind: str, value: str) -> str:
    """The template ``KIND.where`` of an alert's labels; an instance is named where no exchange is."""
    names = " ".join(f'"{name}"' for name in PLACES)
    each = f"{{{{ with index $labels . }}}} {{{{ {value} }}}}{{{{ end }}}}"
    instance = f"{{{{ if not .exchange }}}}{{{{ with .instance }}}} {{{{ {value} }}}}{{{{ end }}}}{{{{ end }}}}"
    loop = f"{{{{ $labels := . }}}}{{{{ range stringSlice {names} }}}}{each}{{{{ end }}}}{instance}"
    return f'{{{{ define "{kind}.where" }}}}{loop}{{{{ end }}}}\n'


def _settings(channels: Channels) -> Json:
    email = channels.email
    server = {
        "smtp_smarthost": email.server,
        "smtp_require_tls": email.require_tls,
        "smtp_from": email.sender,
        "smtp_auth_username": email.username,
    }
    password = {"smtp_auth_password_file": "secrets/smtp_password"} if email.username else {}
    return {"pagerduty_url": channels.pagerduty.url, **server, **password}


# Routes.


def _root(channels: Channels) -> Json:
    """The tree: what every alert passes, then exchanges with windows of their own, then all the others."""
    windows = channels.maintenance
    exchanges = dict.fromkeys(exchange for window in windows for exchange in window.exchanges)
    of_all = [window.name for window in windows if not window.exchanges]
    routes = [*_heard_by_the_exporter(channels), _watchdog(channels)]
    for exchange in exchanges:
        muted = [window.name for window in windows if not window.exchanges or exchange in window.exchanges]
        mine = {"matchers": [f"exchange = {json.dumps(exchange, ensure_ascii=False)}"], "receiver": OTHER}
        routes.append({**mine, "routes": _by_severity(channels, muted)})
    return {
        "receiver": OTHER,
        # One outage of one exchange is one message, however many symbols it takes.
        "group_by": ["alertname", "exchange"],
        "group_wait": "30s",
        # repeat_interval is looked at once in a group_interval, so each is a multiple of it.
        "group_interval": "30s",
        "repeat_interval": "4h",
        "routes": [*routes, *_by_severity(channels, of_all)],
    }


def _heard_by_the_exporter(channels: Channels) -> list[Json]:
    """The exporter hears of everything, also within windows, and again each minute."""
    if not channels.exporter.incidents:
        return []
    waits = {"group_wait": "1s", "group_interval": "10s", "repeat_interval": _EVERY}
    return [{"receiver": INCIDENTS, **waits, "continue": True}]


def _watchdog(channels: Channels) -> Json:
    """It always fires, and is of no interest to people."""
    route: Json = {"matchers": ['alertname = "TradingWatchdog"'], "receiver": NOBODY}
    if channels.heartbeat.enabled:
        route |= {"receiver": HEARTBEAT, "group_wait": "1s", "repeat_interval": _EVERY}
    return route


def _by_severity(channels: Channels, muted: Sequence[str]) -> list[Json]:
    """The routes of each severity, and one for what has none of ours."""
    found = [route for severity in _WAITS for route in _urgent(channels, severity, muted)]
    info = {"matchers": ['severity = "info"'], "receiver": "info", **_muted(muted)}
    return [*found, {**info, "routes": _cooldowns(muted)}, {"receiver": OTHER, **_muted(muted)}]


def _urgent(channels: Channels, severity: Severity, muted: Sequence[str]) -> list[Json]:
    """The first channels at once, and email later, unless there is nobody else or the alert is one of those."""
    wait, cooldown = _WAITS[severity]
    matchers = [f'severity = "{severity}"']
    times = {"group_wait": wait, "repeat_interval": cooldown, **_muted(muted), "routes": _cooldowns(muted)}
    first = {"matchers": matchers, "receiver": severity, **times}
    if not _escalates(channels, severity):
        return [first]
    at_once = [*matchers, f'alertname =~ "{"|".join(channels.email.at_once)}"']
    later = {
        "matchers": matchers,
        "receiver": EMAIL,
        "group_by": ["..."],  # each alert waits by itself
        "group_wait": getattr(channels.email.after, severity),
        **_muted(muted),
    }
    mailed = [{"matchers": at_once, "receiver": f"{severity}-email", **times}] if channels.email.at_once else []
    return [*mailed, {"matchers": matchers, "receiver": severity, "continue": True, **times}, later]


def _cooldowns(muted: Sequence[str]) -> list[Json]:
    return [{"matchers": [f'cooldown = "{c}"'], "repeat_interval": c, **_muted(muted)} for c in COOLDOWNS]


def _muted(windows: Sequence[str]) -> Json:
    """A route says itself when it is mute: it is not inherited."""
    return {"mute_time_intervals": list(windows)} if windows else {}


def _interval(window: Window) -> Json:
    times = [{"start_time": each.start, "end_time": each.end} for each in window.times]
    days = {key: list(getattr(window, key)) for key in ("weekdays", "days_of_month", "months", "years")}
    given = {key: value for key, value in {"times": times, **days}.items() if value}
    return {"name": window.name, "time_intervals": [{**given, "location": window.location}]}


# Inhibition.


def _inhibitions() -> list[Json]:
    """What is said already is not said again."""
    return [
        {  # the critical alert says all that its own warning does
            "source_matchers": ['severity = "critical"', 'alertname =~ "Trading.+"'],  # others' labels are not known
            "target_matchers": ['severity =~ "warning|info"'],
            "equal": list(_IDENTITY),
        },
        {  # an exchange that does not answer fails requests, takes long and sends no market data, of course
            "source_matchers": ['alertname = "TradingExchangeUnavailable"'],
            "target_matchers": [f'alertname =~ "{"|".join(_OF_A_DEAD_EXCHANGE)}"'],
            "equal": ["exchange"],
        },
        *({"source_matchers": list(source), "target_matchers": list(target)} for source, target in _PLAINER),
        {  # with no exporter left, what else fires is old or a consequence; one of several silences nothing
            "source_matchers": _NO_EXPORTER,
            "target_matchers": ['alertname =~ "Trading.+"', f'alertname !~ "{"|".join(_OF_THE_WAY)}"'],
            "equal": ["cluster"],  # where several Prometheus servers give themselves that label
        },
        {  # nor can it be told of incidents or send texts
            "source_matchers": _NO_EXPORTER,
            "target_matchers": ['alertname = "TradingNotificationsFailing"', 'integration = "webhook"'],
            "equal": ["cluster"],
        },
    ]


# Receivers.


def _receivers(channels: Channels) -> list[Json]:
    """Channels of one receiver are independent: one that fails does not stop the others."""
    found: dict[str, Json] = {NOBODY: {}, OTHER: _first(channels, "info", of_all=True)}
    for severity in (*_WAITS, "info"):
        found[severity] = _first(channels, severity)
    if channels.email.enabled:
        for severity in _WAITS:
            if not _escalates(channels, severity):
                found[severity] |= _email(channels)
            elif channels.email.at_once:
                found[f"{severity}-email"] = {**found[severity], **_email(channels)}
        if any(_escalates(channels, severity) for severity in _WAITS):
            found[EMAIL] = _email(channels)
        found[OTHER] = found[OTHER] or _email(channels)
    if channels.exporter.incidents:
        found[INCIDENTS] = {"webhook_configs": [_exporter(channels, "alerts")]}
    if channels.heartbeat.enabled:
        url = channels.heartbeat.url
        address = {"url": url} if url else {"url_file": "secrets/heartbeat_url"}
        found[HEARTBEAT] = {"webhook_configs": [{**address, "send_resolved": False}]}
    return [{"name": name, **receiver} for name, receiver in found.items()]


def _escalates(channels: Channels, severity: Severity) -> bool:
    """Whether somebody else is told first, so that email may wait."""
    return channels.email.enabled and bool(_first(channels, severity))


def _first(channels: Channels, severity: Severity, *, of_all: bool = False) -> Json:
    """The channels that are told at once, without email; ``of_all``: whatever is on, but for PagerDuty and SMS."""
    receiver: Json = {}
    if channels.pagerduty.enabled and severity == "critical":
        receiver["pagerduty_configs"] = [_pagerduty(channels)]
    in_words_of_slack = [_slack(channels)] if channels.slack.enabled else []
    if channels.discord.enabled and (of_all or severity in channels.discord.severities):
        if channels.discord.format == "slack":
            in_words_of_slack.append(_slack(channels, "secrets/discord_url"))
        else:
            receiver["discord_configs"] = [_discord()]
    if in_words_of_slack:
        receiver["slack_configs"] = in_words_of_slack
    if channels.sms.enabled and not of_all and severity in channels.sms.severities:
        receiver["webhook_configs"] = [_exporter(channels, "sms")]
    return receiver


def _said(template: str) -> str:
    return f'{{{{ template "{template}" . }}}}'


def _slack(channels: Channels, secret: str = "secrets/slack_url") -> Json:  # noqa: S107 - the name of a file
    return {
        "api_url_file": secret,
        "send_resolved": True,
        "channel": channels.slack.channel,
        "username": channels.slack.sender,
        "color": _said("slack.colour"),
        "title": _said("slack.title"),
        "title_link": _said("trading.link"),
        "text": _said("slack.text"),
        "fallback": _said("slack.title"),
    }


def _discord() -> Json:
    return {
        "webhook_url_file": "secrets/discord_url",
        "send_resolved": True,
        "title": _said("discord.title"),
        "message": _said("discord.text"),
    }


def _pagerduty(channels: Channels) -> Json:
    return {
        "routing_key_file": "secrets/pagerduty_key",
        "send_resolved": True,
        "severity": _pagerduty_severity(channels),
        "description": _said("trading.title"),
        "client": channels.slack.sender,
        "client_url": _said("trading.dashboard"),
        "class": "{{ .CommonLabels.alertname }}",
        "component": "{{ .CommonLabels.exchange }}",
        "details": {
            "firing": _said("trading.firing"),
            "resolved": _said("trading.resolved"),
            "num_firing": "{{ .Alerts.Firing | len }}",
            "num_resolved": "{{ .Alerts.Resolved | len }}",
        },
        "links": [
            {"href": "{{ .CommonAnnotations.runbook_url }}", "text": "Runbook"},
            {"href": _said("trading.dashboard"), "text": "Dashboard"},
        ],
    }


def _pagerduty_severity(channels: Channels) -> str:
    told = channels.pagerduty.severities
    mapped: Mapping[str, str] = {"critical": told.critical, "warning": told.warning, "info": told.info}
    cases = "".join(f'{{{{ if eq . "{ours}" }}}}{theirs}{{{{ else }}}}' for ours, theirs in mapped.items())
    known = cases + told.other + "{{ end }}" * len(mapped)
    return f"{{{{ with .CommonLabels.severity }}}}{known}{{{{ else }}}}{told.other}{{{{ end }}}}"


def _email(channels: Channels) -> Json:
    return {
        "email_configs": [
            {
                "to": ", ".join(channels.email.to),
                "send_resolved": True,
                "headers": {"Subject": _said("trading.title")},
                "text": _said("email.text"),
                "html": _said("email.html"),
            }
        ]
    }


def _exporter(channels: Channels, path: str) -> Json:
    credentials = {"credentials_file": "secrets/exporter_token"}
    return {
        "url": f"{channels.exporter.url.rstrip('/')}/v1/{path}",
        "send_resolved": True,
        "max_alerts": 1000,
        "http_config": {"authorization": credentials},
    }
