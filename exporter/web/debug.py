"""``/debug/…``: what the exporter does just now, for whoever looks for what makes it slow.

Asked for with the token; where there is none, from this machine alone.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

from aiohttp import web

from exporter import sampler

_USUAL, _LONGEST = 5.0, 60.0  # seconds of a profile
_SLICE = 50  # tasks that are looked at between two turns of the loop
_FORMATS = ("text", "collapsed", "speedscope")
_ASYNCIO = str(Path(asyncio.__file__).parent)
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")

_OUR_PAGES = ("none", "same-origin")  # typed by a person, or a link of ours


class Debug:
    """The request handlers."""

    def __init__(self, *, guarded: bool) -> None:
        self._guarded = guarded
        self._profiling = False

    def routes(self) -> list[web.RouteDef]:
        """Which handler is where."""
        return [web.get("/debug/profile", self.profile), web.get("/debug/tasks", self.tasks)]

    async def profile(self, request: web.Request) -> web.Response:
        """Where the time of some seconds goes."""
        seconds, form = _seconds(request.query.get("seconds", "")), request.query.get("format", _FORMATS[0])
        self._check(request)
        if seconds is None:
            raise web.HTTPBadRequest(text=f"seconds is a number above 0, at most {_LONGEST:g}")
        if form not in _FORMATS:
            raise web.HTTPBadRequest(text=f"format is one of {', '.join(_FORMATS)}")
        if self._profiling:
            raise web.HTTPConflict(text="a profile is being taken already; ask again when that is done")
        return await self._profile(seconds, form)

    async def _profile(self, seconds: float, form: str) -> web.Response:
        self._profiling = True
        try:
            found = await sampler.profile(seconds)
        except ValueError as error:
            raise web.HTTPNotImplemented(text=f"no profile can be taken here: {error}") from None
        finally:
            self._profiling = False
        body: str | bytes = await asyncio.to_thread(getattr(found, form))
        if isinstance(body, bytes):
            return web.Response(body=body, content_type="application/json", headers=_HEADERS)
        return web.Response(text=body, headers=_HEADERS)

    async def tasks(self, request: web.Request) -> web.Response:
        """What all tasks wait for, those that wait for the same together."""
        self._check(request)
        found: Counter[str] = Counter()
        for number, task in enumerate(asyncio.all_tasks()):
            found[_described(task)] += 1
            if number % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
        lines = [f"{count:6} {what}" for what, count in found.most_common()]
        return web.Response(text="\n".join(["  tasks", *lines, ""]), headers=_HEADERS)

    def _check(self, request: web.Request) -> None:
        """Whoever asks through a proxy that says so, or a page of others, is not taken for somebody on this machine."""
        is_through = any(name in request.headers for name in _FORWARDED)
        if request.headers.get("Sec-Fetch-Site", "none") not in _OUR_PAGES:
            raise web.HTTPForbidden(text="pages of others may not ask for this")
        if not self._guarded and (is_through or not _is_near(request.remote)):
            raise web.HTTPForbidden(text="without web.bearer_token this is for requests from this machine alone")


_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def _is_near(address: str | None) -> bool:
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


def _seconds(text: str) -> float | None:
    if not text:
        return _USUAL
    if not re.fullmatch(r"\d{1,3}(\.\d{1,3})?", text, re.ASCII):
        return None
    return float(text) if 0 < float(text) <= _LONGEST else None


def _described(task: asyncio.Task[Any]) -> str:
    """Its name, where it was given one, and the place where it waits, asyncio's own code apart."""
    at: Any = task.get_coro()
    frame: FrameType | None = None
    while getattr(at, "cr_frame", None) is not None and not at.cr_frame.f_code.co_filename.startswith(_ASYNCIO):
        frame, at = at.cr_frame, at.cr_await
    name = "" if task.get_name().startswith("Task-") else task.get_name()
    where = sampler.name(frame.f_code, frame.f_lineno) if frame else "asyncio"
    return f"{name}: {where}" if name else where
