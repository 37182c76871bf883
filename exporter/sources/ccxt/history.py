"""What the exchange itself has on record: fills and open orders.

Streams lose messages and send some twice, so the record is the authority and the stream only the quick
way. It is read at the start, after every gap, and from time to time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ccxt.base.errors import ArgumentsRequired, BadRequest, ExchangeError, NotSupported

from exporter.errors import EventError
from exporter.events import BookKey
from exporter.sources.ccxt import convert
from exporter.sources.ccxt.client import operation
from exporter.sources.ccxt.link import SOURCE, Link

log = logging.getLogger(__name__)

_DAY = 86_400_000.0  # milliseconds; the shortest time that an exchange answers for at once
_ASK_AGAIN, _TRIES = 1.0, 10
_OVERLAP = 600.0  # seconds asked for again, since a fill may appear in the history after a later one
_STREAM_FIRST = 2.0  # seconds that the stream has to deliver a fill before the history may
_PAGE_MAY_BE_CUT = 50  # trades; the shortest page that a large exchange gives

SETTLE = 0.05
"""Seconds that a streamed fill waits, so that market data sent before it, on another connection, is there first."""


class Reader:
    """Calls ``read`` at the start, soon after each `gap`, and every ``interval`` seconds, until it succeeds.

    ``read`` is told whether it is called because of a gap.
    """

    def __init__(self, link: Link, part: str, interval: float, read: Callable[[bool], Awaitable[None]]) -> None:
        self._link = link
        self._part = part
        self._interval = interval
        self._read = read
        self._gap = asyncio.Event()

    def gap(self) -> None:
        """Read soon: messages may have been missed."""
        self._gap.set()

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            after_gap = self._gap.is_set()
            self._gap.clear()
            await self._link.until_done(self._part, partial(self._read, after_gap))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._gap.wait()


class Fills:
    """The fills of one symbol, from the stream and from the history, each handed on once."""

    def __init__(self, link: Link, symbol: str, *, streamed: bool) -> None:
        self._link = link
        self._symbol = symbol
        self._streamed = streamed
        self._read_to: float | None = None
        self._awaited: dict[str, int] = {}  # streamed without a fee: how often the history is still asked for it
        self._link.exchange.backfilled[link.config.account] += 0
        interval = link.config.backfill_interval if streamed else link.config.poll_interval
        self.reader = Reader(link, link.account_part(f"history/{symbol}"), interval, self._read)

    def accept_streamed(self, trades: list[Any]) -> None:
        """Take trades from a stream; one that lacks its fee is fetched from the history, which has it."""
        for trade in trades:
            if convert.has_fee(trade) or not self._link.client.has.get("fetchMyTrades"):
                self._accept(trade, redelivery=False)
            else:
                self._awaited[str(trade.get("id"))] = _TRIES
                self.reader.gap()

    async def _read(self, after_gap: bool) -> None:
        """Read on from where the last reading ended, and count what was new, but for the first reading.

        What the stream may be about to deliver is left to it: in the routine reading for a good moment,
        after a gap as long as a fill takes to settle.
        """
        now, is_first = self._link.exchange_now(), self._read_to is None
        patience = 0.0 if is_first or not self._streamed else SETTLE if after_gap else _STREAM_FIRST
        start = now - self._link.config.backfill_hours * 3600 if self._read_to is None else self._read_to - _OVERLAP
        found = 0
        for number, trade in enumerate(await self._page_through(start, now)):
            if _timestamp(trade) <= (now - patience) * 1000:
                was_awaited = self._awaited.pop(str(trade.get("id")), None) is not None
                found += self._accept(trade, redelivery=True) and not was_awaited
            if number % 100 == 99:
                await asyncio.sleep(0)
        self._read_to = now - patience
        self._ask_again()
        if self._streamed and not is_first and found:
            self._link.exchange.backfilled[self._link.config.account] += found
            log.info("%s: %d fills of %s were missed and are recovered", self._link.config.name, found, self._symbol)

    def _ask_again(self) -> None:
        """Read again soon for what was streamed without a fee and is not in the history yet, but not for ever."""
        for trade_id in [each for each, tries in self._awaited.items() if tries == 1]:
            log.warning("%s: trade %s came without a fee and is not on record", self._link.config.name, trade_id)
        self._awaited = {trade_id: tries - 1 for trade_id, tries in self._awaited.items() if tries > 1}
        if self._awaited:
            asyncio.get_running_loop().call_later(_ASK_AGAIN, self.reader.gap)

    async def _page_through(self, start: float, now: float) -> list[Any]:
        """All trades from ``start`` to ``now`` (Unix seconds) by their times, however the exchange cuts its pages.

        Forward from the newest trade found, or by a day where nothing is, since some answer only for the days
        after the time asked for; then, if a page was long enough to have been cut at its old end, backward.
        """
        found: dict[str, Any] = {}
        since, longest, goes_forward = start * 1000, 0, False
        while since < now * 1000:
            had = len(found)
            new = await self._page(found, since)
            longest, goes_forward = max(longest, new), goes_forward or bool(had and new)
            since = max(since, *map(_timestamp, found.values())) if new else since + _DAY
        if longest >= _PAGE_MAY_BE_CUT:
            await self._page_backward(found, start * 1000, proven=goes_forward)
        return sorted(found.values(), key=_timestamp)

    async def _page_backward(self, found: dict[str, Any], start: float, *, proven: bool) -> None:
        """Look for trades before the oldest one found; ``proven`` if pages are known to begin with the oldest."""
        until = _oldest(found, start)
        try:
            while until > start:
                new = await self._page(found, max(start, until - _DAY), until + 1)
                until = _oldest(found, start) if new else until - _DAY
        except (BadRequest, NotSupported, ArgumentsRequired) as error:
            if not proven:
                before = datetime.fromtimestamp(until / 1000, UTC).isoformat(timespec="seconds")
                text = "%s: fills of %s from before %s may be missing, since it cannot be asked for them"
                detail = {"detail": self._link.describe(error)}
                log.warning(text, self._link.config.name, self._symbol, before, extra=detail)

    async def _page(self, found: dict[str, Any], since: float, until: float | None = None) -> int:
        """Fetch one page (times in milliseconds) into ``found``; the number of trades that were new."""
        limits = {} if until is None else {"until": round(until)}
        with operation("fetch_my_trades"):
            page = await self._link.client.fetch_my_trades(self._symbol, round(since), None, limits)
        if until is not None and any(_timestamp(trade) > until for trade in page):
            raise NotSupported("the end of the time asked for is ignored")
        before = len(found)
        found.update({str(trade.get("id")): trade for trade in page})
        return len(found) - before

    def _accept(self, trade: Any, *, redelivery: bool) -> bool:
        try:
            fill = convert.fill(trade, self._link.config)
        except EventError as error:
            self._link.intake.reject(error, SOURCE)
            return False
        return self._link.intake.accept(fill, SOURCE, redelivery=redelivery)


def _timestamp(trade: Any) -> float:
    """Milliseconds; 0 for a trade without a time, which is refused when it is converted."""
    return float(trade.get("timestamp") or 0)


def _oldest(trades: dict[str, Any], start: float) -> float:
    """The earliest time among the trades that have one, in milliseconds; ``start`` where none has."""
    return min((time for time in map(_timestamp, trades.values()) if time), default=start)


class Orders:
    """The orders of one symbol, from the stream and as the exchange has them on record."""

    def __init__(self, link: Link, symbol: str, *, streamed: bool) -> None:
        self._link = link
        self._symbol = symbol
        self._missed: set[str] = set()  # believed to rest, but not among those that did at the last reading
        interval = link.config.backfill_interval if streamed else link.config.poll_interval
        self.reader = Reader(link, link.account_part(f"open orders/{symbol}"), interval, self._read)

    def accept_streamed(self, reports: list[Any]) -> None:
        """Take ccxt's reports of orders."""
        self._accept(reports, redelivery=False)

    def _accept(self, reports: list[Any], *, redelivery: bool) -> None:
        for report in reports:
            try:
                event = convert.order(report, self._link.config, self._link.exchange_now())
            except EventError as error:
                self._link.intake.reject(error, SOURCE)
            else:
                self._link.intake.accept(event, SOURCE, redelivery=redelivery)

    async def _read(self, _: bool) -> None:
        config = self._link.config
        key = BookKey(config.name, config.account, self._symbol, config.strategy)
        believed = self._link.state.orders.open(key)  # before asking: what is placed meanwhile is not missing
        with operation("fetch_open_orders"):
            reports = list(await self._link.client.fetch_open_orders(self._symbol))
        self._accept(reports, redelivery=True)
        gone = believed.keys() - {str(report["id"]) for report in reports}
        self._missed &= gone
        for order_id in gone:
            ended = await self._look_up(order_id, believed[order_id])
            self._accept([] if ended is None else [ended], redelivery=True)

    async def _look_up(self, order_id: str, side: str) -> Any:
        """What became of an order that rests no more; None when that cannot be said yet.

        Exchanges forget canceled orders that had no fill, some show a new one late, and some cannot be asked
        for one: an order that is nowhere at two readings in a row is taken as canceled.
        """
        with suppress(ExchangeError), operation("fetch_order"):
            if self._link.client.has.get("fetchOrder"):
                return await self._link.client.fetch_order(order_id, self._symbol)
        if order_id in self._missed:
            return {"id": order_id, "symbol": self._symbol, "side": side, "status": "canceled"}
        self._missed.add(order_id)
        return None
