"""Reading an exchange's record from a time on, however it cuts its pages."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
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
MAY_BE_CUT = 20
"""Entries; the shortest page that an exchange is known to cut."""
_ROUND = 10  # the lengths of cut pages are multiples of it
_COARSE = 1000  # milliseconds; some exchanges take the end of a time in whole seconds

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
        self._told: set[float] = set()  # the crowded moments that were told of

    async def read(self, start: float, now: float) -> list[Any]:
        """The entries from ``start`` to ``now`` (Unix seconds) by their times.

        Forward from the newest entry found, or by a step where nothing is, since some answer only for the days
        after the time asked for. Of these days some give the oldest entries first and some the newest: before going
        on, what a page may have been cut of at its old end is looked for.
        """
        reading = _Reading(self._fetch, self._step)
        if self._whole:
            await reading.page(start * 1000)
        else:
            await reading.forward(start * 1000, now * 1000)
        self._warn(reading)
        return sorted(reading.found.values(), key=timestamp)

    def _warn(self, reading: _Reading) -> None:
        """Say what may be missing; of a moment that is read again and again, once."""
        name = self._link.config.name
        if reading.refusal is not None and not reading.begins_with_oldest:
            text = "%s: %s from before %s may be missing, since it cannot be asked for them"
            detail = {"detail": self._link.describe(reading.refusal)}
            log.warning(text, name, self._what, _iso(reading.unseen), extra=detail)
        for moment in sorted(reading.crowded - self._told):
            text = "%s: %s of %s may be missing, since more happened at that moment than it tells at once"
            log.warning(text, name, self._what, _iso(moment))
        self._told = reading.crowded


@dataclass(frozen=True, slots=True)
class _Page:
    """The times (ms) of the entries on a page, and of those that are new."""

    times: list[float]
    new: list[float]

    @property
    def may_be_cut(self) -> bool:
        return len(self.times) >= MAY_BE_CUT


class _Reading:
    """One reading of a record, and what came of it; times in milliseconds.

    ``found`` has the entries by their identities. ``refusal`` is why what is older than a page, before ``unseen``,
    could not be looked for; nothing is missing if pages are known to begin with the oldest entry. At the moments in
    ``crowded`` more happened than a page holds.
    """

    def __init__(self, fetch: Fetch, step: int) -> None:
        self._fetch = fetch
        self._step = step
        self.found: dict[str, Any] = {}
        self.refusal: Exception | None = None
        self.unseen = 0.0
        self.begins_with_oldest = False
        self.crowded: set[float] = set()

    async def forward(self, start: float, end: float) -> None:
        """Read all from ``start`` to ``end``."""
        since, before, reach, pace = start, None, 0.0, 1.0
        while since < end:
            page = await self.page(since)
            if before is not None and page.new and min(page.new) <= before + reach:
                self.begins_with_oldest = True  # since the page before had not what belonged to it, but was newer
            newest = max(page.times, default=since)
            reach = max(reach, newest - since)  # the time that a page is known to answer for
            if page.may_be_cut:
                await self._backward(since, min(page.times))
            before = since if page.new else None
            if newest > since or page.new:
                since, pace = max(since, newest), 1.0
            elif page.may_be_cut:
                self._pass(page)
                since, pace = since + pace, pace * 2
            else:
                since += self._step

    async def _backward(self, start: float, until: float) -> None:
        """Look for what there is from ``start`` up to the oldest entry of a page."""
        pace = 1.0
        try:
            while until > start and self.refusal is None:
                low = max(start, until + 1 - self._step)
                page = await self.page(low, until + 1)
                oldest = min(page.times, default=until)
                if oldest < until:
                    until, pace = oldest, 1.0
                elif page.may_be_cut:
                    self._pass(page)
                    until, pace = until - pace, 1.0 if page.new else pace * 2
                else:
                    until = low
        except (BadRequest, NotSupported, ArgumentsRequired) as error:
            self.refusal = error
        if self.refusal is not None and until > start:
            self.unseen = max(self.unseen, until)

    def _pass(self, page: _Page) -> None:
        """Go past a moment whose entries are a page on their own, which may have been cut.

        Exchanges cut at round numbers, and only then more of them may have been left out. Where even the next
        millisecond brings the same page, the exchange counts in longer ones, hence the growing pace of the callers.
        """
        if len(page.times) % _ROUND == 0:
            self.crowded.add(min(page.times))

    async def page(self, since: float, until: float | None = None) -> _Page:
        """Fetch one page."""
        entries = await self._fetch(round(since), None if until is None else round(until))
        if until is not None and any(timestamp(entry) > until + _COARSE for entry in entries):
            raise NotSupported("the end of the time asked for is ignored")
        new = {identity(entry): entry for entry in entries if identity(entry) not in self.found}
        self.found.update({identity(entry): entry for entry in entries})
        return _Page(_times(entries), _times(new.values()))


def timestamp(entry: Any) -> float:
    """Milliseconds; 0 for an entry without a time, which is refused when it is converted."""
    return float(entry.get("timestamp") or 0)


def identity(entry: Any) -> str:
    """What tells an entry apart from all others: the exchange's id, else all that it says.

    The two sides of a trade between two orders of the account have one id.
    """
    if entry.get("id"):
        return " ".join(str(entry.get(key) or "") for key in ("id", "order", "side"))
    return f"{entry.get('timestamp')} {entry.get('currency') or entry.get('code')} {entry.get('amount')}"


def _times(entries: Iterable[Any]) -> list[float]:
    return [time for time in map(timestamp, entries) if time]


def _iso(milliseconds: float) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
