"""What the exchange itself has on record: fills and open orders.

Streams lose messages and send some twice, so the record is the authority and the stream only the quick
way. It is read at the start, after every gap, and from time to time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from ccxt.base.errors import ExchangeError, OrderNotFound

from exporter.errors import EventError
from exporter.events import BookKey
from exporter.sources.ccxt import convert
from exporter.sources.ccxt.client import operation
from exporter.sources.ccxt.link import SOURCE, Link

log = logging.getLogger(__name__)

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
        self._link.exchange.backfilled[link.config.account] += 0
        interval = link.config.backfill_interval if streamed else link.config.poll_interval
        self.reader = Reader(link, link.account_part(f"history/{symbol}"), interval, self._read)

    def accept_streamed(self, trades: list[Any]) -> None:
        """Take trades from a stream; one that lacks its fee is fetched from the history, which has it."""
        for trade in trades:
            if convert.has_fee(trade) or not self._link.client.has.get("fetchMyTrades"):
                self._accept(trade, redelivery=False)
            else:
                self.reader.gap()

    async def _read(self, after_gap: bool) -> None:
        """Read on from where the last reading ended, and count what was new, but for the first reading.

        What the stream may be about to deliver is left to it: in the routine reading for a good moment,
        after a gap as long as a fill takes to settle.
        """
        now, is_first = self._link.exchange_now(), self._read_to is None
        patience = 0.0 if is_first or not self._streamed else SETTLE if after_gap else _STREAM_FIRST
        start = now - self._link.config.backfill_hours * 3600 if self._read_to is None else self._read_to - _OVERLAP
        trades = await self._page_through(start)
        found = 0
        for number, trade in enumerate(sorted(trades, key=_timestamp)):
            if _timestamp(trade) <= (now - patience) * 1000:
                found += self._accept(trade, redelivery=True)
            if number % 100 == 99:
                await asyncio.sleep(0)
        self._read_to = now - patience
        if self._streamed and not is_first and found:
            self._link.exchange.backfilled[self._link.config.account] += found
            log.info("%s: %d fills of %s were missed and are recovered", self._link.config.name, found, self._symbol)

    async def _page_through(self, start: float) -> list[Any]:
        """All trades since ``start`` (Unix seconds), whichever end of the time an exchange begins its pages at.

        First forward, from the newest trade of each page; then, if pages were long enough to have been cut,
        backward from the oldest, until nothing new comes.
        """
        found: dict[str, Any] = {}
        longest = new = await self._page(found, int(start * 1000))
        while new:
            new = await self._page(found, round(max(map(_timestamp, found.values()))))
            longest = max(longest, new)
        if longest >= _PAGE_MAY_BE_CUT:
            with suppress(ExchangeError):  # an exchange that cannot be asked so gives its pages oldest first
                while await self._page(found, int(start * 1000), until=_oldest(found) + 1):
                    pass
        return list(found.values())

    async def _page(self, found: dict[str, Any], since: int, until: int | None = None) -> int:
        """Fetch one page (times in milliseconds) into ``found``; the number of trades that were new."""
        limits = {} if until is None else {"until": until}
        with operation("fetch_my_trades"):
            page = await self._link.client.fetch_my_trades(self._symbol, since, None, limits)
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


def _oldest(trades: dict[str, Any]) -> int:
    """The earliest time among the trades that have one, in milliseconds."""
    return round(min(time for time in map(_timestamp, trades.values()) if time))


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
        resting = {str(report["id"]) for report in reports}
        for order_id in believed.keys() - resting:
            ended = await self._look_up(order_id, believed[order_id])
            reports += [] if ended is None else [ended]
        self._accept(reports, redelivery=True)

    async def _look_up(self, order_id: str, side: str) -> Any:
        """What became of an order that rests no more; None when that cannot be said yet.

        Exchanges forget canceled orders that had no fill, and some show a new one late: an order that is
        nowhere at two readings is taken as canceled.
        """
        with suppress(OrderNotFound), operation("fetch_order"):
            if self._link.client.has.get("fetchOrder"):
                return await self._link.client.fetch_order(order_id, self._symbol)
        if order_id in self._missed:
            self._missed.discard(order_id)
            return {"id": order_id, "symbol": self._symbol, "side": side, "status": "canceled"}
        self._missed.add(order_id)
        return None
