"""Who may ask: with a token in the configuration, those who send it; without one, those who use a name of ours.

A page in somebody's browser may let its own name lead to us once it is there (DNS rebinding), and would then be asked
and answered as if it were one of our pages. Its requests still carry that name. Addresses cannot be taken like that,
nor names that only a private network gives out, unless by somebody within it.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from exporter.config import Web
from exporter.web import pages
from exporter.web.answers import message
from exporter.web.keys import TRUSTED

# What tells strangers nothing private, and where bots and Alertmanager come with a token of their own.
_OPEN = frozenset(
    (
        *("/", "/health", "/api/docs", "/api/openapi.json"),
        *("/v1/schema", "/v1/events", "/v1/alerts", "/v1/sms"),
    )
)
_ASK_THEMSELVES = frozenset(("/live", "/ws"))  # for the token


# Ends of names that no public server gives out; `.svc` are services of Kubernetes.
_PRIVATE = (".localhost", ".local", ".internal", ".home.arpa", ".svc")


def guards(config: Web, token: str | None) -> list[Middleware]:
    """What stands before all handlers."""
    return [_by_name(config.hosts) if token is None else _by_token(token)]


def _is_open(path: str) -> bool:
    return path in _OPEN or pages.is_public(path)


def _by_token(token: str) -> Middleware:
    """Asks for ``Authorization: Bearer TOKEN``."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        is_bearer = scheme.lower() == "bearer"
        matches = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), token.encode())
        request[TRUSTED] = matches and is_bearer
        if request[TRUSTED] or _is_open(request.path) or request.path in _ASK_THEMSELVES:
            return await handler(request)
        missing = "send the header Authorization: Bearer TOKEN, with the token of web.bearer_token"
        text = "the token is not the one of web.bearer_token" if is_bearer else missing
        return message(401, text, {"WWW-Authenticate": "Bearer"})

    return check


def _by_name(hosts: Iterable[str]) -> Middleware:
    """Asks for an address, a name that no public server gives out, or one of these."""
    named = {host.lower() for host in hosts}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host", "")
        name = _name(host)
        request[TRUSTED] = name in named or _is_private(name)
        if request[TRUSTED] or _is_open(request.path):
            return await handler(request)
        text = f"{host!r} may be anybody's name; if it is yours, add it to web.hosts, or set web.bearer_token"
        return message(403, text)

    return check


def _name(host: str) -> str:
    """The name without a port, in lower case; where it is none, one that nobody has."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return "."
    return name if not set(host) & set("/?#@") else "."


def _is_private(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(_PRIVATE)
    return True
