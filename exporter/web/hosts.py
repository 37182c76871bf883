"""Keeps pages of others off an exporter that only this machine can reach.

A page in somebody's browser may let its own name lead to 127.0.0.1 once it is there (DNS rebinding), and would then be
asked and answered as if it came from the exporter. Its requests still carry that name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware


def guard(hosts: Iterable[str], is_open: Callable[[str], bool]) -> Middleware:
    """A middleware that answers under names of this machine and ``hosts`` alone, but for paths that are open to all."""
    named = {host.lower() for host in hosts}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = _name(request.headers.get("Host", ""))
        if name in named or _is_ours(name) or is_open(request.path):
            return await handler(request)
        text = "this is no name of this machine; add it to web.hosts, or set web.bearer_token"
        body = msgspec.json.encode({"message": text}) + b"\n"
        return web.Response(status=403, body=body, content_type="application/json")

    return check


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # no address at all
        return "."


def _is_ours(name: str) -> bool:
    """Whether nobody else can give this name an address: it is one, or has no dot, or ends in .localhost."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(".localhost")
    return True
