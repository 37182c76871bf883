"""Who may ask and tell the exporter, and whom it asks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporter.config.alerting import Sms
from exporter.config.checks.secrets import secret_problems, token_problems
from exporter.config.document import Path, Problem
from exporter.config.push import Push
from exporter.config.schema import Config, Web
from exporter.config.upstream import Server

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@A-Z]+")  # in lower case, and no path
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")  # no scheme, no port


def problems(config: Config) -> Iterator[Problem]:
    """What is wrong with the web side, with tokens, and with the servers that are asked."""
    yield from _web_problems(config.web)
    yield from _push_problems(config.push, has_journal=config.journal.path is not None)
    if config.incidents.token is not None:
        yield from token_problems(("incidents", "token"), config.incidents.token, set())
    yield from _sms_problems(config.sms)
    for index, origin in enumerate(config.stream.origins):
        if not _ORIGIN.fullmatch(origin):
            text = "this is no origin as browsers write it; write for example https://desk.example.com"
            yield ("stream", "origins", index), text
    for name in ("prometheus", "alertmanager"):
        server: Server | None = getattr(config.upstream, name)
        if server is not None:
            yield from _server_problems(("upstream", name), server)
    if config.pages.public and config.upstream.prometheus is None:
        yield ("pages", "public"), "public figures are what Prometheus recorded: set upstream.prometheus"


def _web_problems(web: Web) -> Iterator[Problem]:
    host, _, port = web.listen.rpartition(":")
    if not re.fullmatch(r"\S+", host) or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        yield ("web", "listen"), f"{web.listen!r} is not host:port; write for example 127.0.0.1:9850"
    elif not web.on_loopback and web.bearer_token is None and not web.trusted_network:
        text = f"{web.host} is beyond loopback: set web.bearer_token, or web.trusted_network: true if it is private"
        yield ("web", "listen"), text
    if web.bearer_token is not None:
        yield from secret_problems(("web", "bearer_token"), web.bearer_token)
    for index, name in enumerate(web.hosts):
        if not _HOST.fullmatch(name):
            yield ("web", "hosts", index), f"{name!r} is no name of a machine; write for example desk.example.com"


def _push_problems(push: Push, *, has_journal: bool) -> Iterator[Problem]:
    if push.tokens and not has_journal:
        yield ("push",), "what is acknowledged to a bot must be on disk: set journal.path"
    names: set[str] = set()
    secrets: set[str] = set()
    for index, each in enumerate(push.tokens):
        path: Path = ("push", "tokens", index)
        if each.name in names:
            yield (*path, "name"), f"{each.name!r} stands twice; give each token a name of its own"
        names.add(each.name)
        if not each.accounts:
            text = "no account is named; name some, or leave the key out if this token may report for all of them"
            yield (*path, "accounts"), text
        for place, pattern in enumerate(each.accounts):
            if not all(pattern.partition("/")):
                text = f"{pattern!r} is not exchange/account; write for example binance/main, or binance/* for all"
                yield (*path, "accounts", place), text
        yield from token_problems((*path, "token"), each.token, secrets)


def _sms_problems(sms: Sms) -> Iterator[Problem]:
    if bool(sms.urls) != (sms.token is not None):
        text = "urls and token belong together: where texts go, and what Alertmanager sends; give both or neither"
        yield ("sms",), text
    if sms.token is not None:
        yield from token_problems(("sms", "token"), sms.token, set())
    for index, url in enumerate(sms.urls):
        yield from secret_problems(("sms", "urls", index), url)


def _server_problems(path: Path, server: Server) -> Iterator[Problem]:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#@]*)?", server.url):
        yield (*path, "url"), "this is not the address of a server; write for example http://127.0.0.1:9090"
    if (server.username is None) != (server.password is None):
        yield path, "username and password belong together; give both or neither"
    elif server.username is not None and server.bearer_token is not None:
        yield path, "a request has a login or a bearer_token; remove one of them"
    for name, secret in server.secrets.items():
        yield from secret_problems((*path, name), secret)
