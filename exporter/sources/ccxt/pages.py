"""Reading an exchange's record from a time on, however it cuts its pages."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from ccxt.base.errors import ArgumentsRequired, BadRequest, NotSupported

from exporter.sources.ccxt.link import Link

log = logging.getLogger(__name__)

OVERLAP = 600.0
"""Seconds asked for again, since an entry may appear on record after a later one."""
DAY = 86_400_000
"""Milliseconds; the shortest time that an exchange answers for at once where it has many entries."""
WEEK = 7 * DAY
"""The same where it has few."""
_PAGE_MAY_BE_CUT = 50  # entries; the shortest page that a large exchange gives

Fetch = Callable[[int, int | None], Awaitable[list[Any]]]
"""Gives the page of what happened since a time and, where asked, until another one; both in milliseconds."""


class Pages:
    """All entries of one record, which ``what`` names for people.

    ``step`` is the time (ms) to go on by where a page is empty, ``whole`` says that the first page has everything.
    """

    def __init__(self, link: Link, what: str, fetch: Fetch, *, step: int = DAY, whole: bool = False) -> None:
        self._link = link
        self._what = what
        self._fetch = fetch
        self._step = step
        self._whole = whole

    async def read(self, start: float, now: float) -> list[Any]:
        """The entries from ``start`` to ``now`` (Unix seconds) by their times.

        Forward from the newest entry found, or by a step where nothing is, since some answer only for the days
        after the time asked for; then, if a page was long enough to have been cut at its old end, backward.
        """
        found: dict[str, Any] = {}
        if self._whole:
            await self._page(found, start * 1000)
            return sorted(found.values(), key=timestamp)
        since, longest, goes_forward = start * 1000, 0, False
        while since < now * 1000:
            had = len(found)
            new = await self._page(found, since)
            longest, goes_forward = max(longest, new), goes_forward or bool(had and new)
            since = max(since, *map(timestamp, found.values())) if new else since + self._step
        if longest >= _PAGE_MAY_BE_CUT:
            await self._backward(found, start * 1000, proven=goes_forward)
        return sorted(found.values(), key=timestamp)

    async def _backward(self, found: dict[str, Any], start: float, *, proven: bool) -> None:
        """Look for entries before the oldest one found; ``proven`` if pages are known to begin with the oldest."""
        until = _oldest(found, start)
        try:
            while until > start:
                new = await self._page(found, max(start, until - self._step), until + 1)
                until = _oldest(found, start) if new else until - self._step
        except (BadRequest, NotSupported, ArgumentsRequired) as error:
            if not proven:
                before = datetime.fromtimestamp(until / 1000, UTC).isoformat(timespec="seconds")
                text = "%s: %s from before %s may be missing, since it cannot be asked for them"
                detail = {"detail": self._link.describe(error)}
                log.warning(text, self._link.config.name, self._what, before, extra=detail)

    async def _page(self, found: dict[str, Any], since: float, until: float | None = None) -> int:
        """Fetch one page (times in milliseconds) into ``found``; the number of entries that were new."""
        page = await self._fetch(round(since), None if until is None else round(until))
        if until is not None and any(timestamp(entry) > until for entry in page):
            raise NotSupported("the end of the time asked for is ignored")
        before = len(found)
        found.update({_identity(entry): entry for entry in page})
        return len(found) - before


def timestamp(entry: Any) -> float:
    """Milliseconds; 0 for an entry without a time, which is refused when it is converted."""
    return float(entry.get("timestamp") or 0)


def _identity(entry: Any) -> str:
    """The exchange's id, and what else tells entries apart where it gives none."""
    if entry.get("id"):
        return str(entry["id"])
    return f"{entry.get('timestamp')} {entry.get('currency') or entry.get('code')} {entry.get('amount')}"


def _oldest(entries: dict[str, Any], start: float) -> float:
    """The earliest time among the entries that have one, in milliseconds; ``start`` where none has."""
    return min((time for time in map(timestamp, entries.values()) if time), default=start)
