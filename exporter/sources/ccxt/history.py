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

from ccxt.base.errors import OrderNotFound

from exporter.errors import EventError
from exporter.ledger.ledger import BookKey
from exporter.sources.ccxt import convert
from exporter.sources.ccxt.client import operation
from exporter.sources.ccxt.link import SOURCE, Link

log = logging.getLogger(__name__)

_OVERLAP = 600.0  # seconds asked for again, since a fill may appear in the history after a later one
_STREAM_FIRST = 2.0  # seconds that the stream has to deliver a fill before the history may


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
    """The fills of an account's symbols, from the stream and from the history, each handed on once."""

    def __init__(self, link: Link, symbols: list[str], *, streamed: bool) -> None:
        self._link = link
        self._symbols = symbols
        self._streamed = streamed
        self._read_to: dict[str, float] = {}
        interval = link.config.backfill_interval if streamed else link.config.poll_interval
        self.reader = Reader(link, link.account_part("history"), interval, self._read)

    def accept_streamed(self, trades: list[Any]) -> None:
        """Take trades from a stream; one that lacks its fee is fetched from the history, which has it."""
        for trade in trades:
            if convert.has_fee(trade) or not self._link.client.has.get("fetchMyTrades"):
                self._accept(trade, redelivery=False)
            else:
                self.reader.gap()

    async def _read(self, after_gap: bool) -> None:
        # In the routine reading a stream that stands has a moment to be first; after a gap it has not.
        patience = _STREAM_FIRST if self._streamed and not after_gap else 0.0
        for symbol in self._symbols:
            is_first = symbol not in self._read_to
            found = await self._read_symbol(symbol, patience)
            if self._streamed:
                self._recovered(symbol, 0 if is_first else found)

    async def _read_symbol(self, symbol: str, patience: float) -> int:
        """Page on from where the last reading ended up to ``patience`` seconds ago; the number of new fills."""
        now = self._link.exchange_now()
        if symbol in self._read_to:
            start, newest = self._read_to[symbol] - _OVERLAP, now - patience
        else:
            start, newest = now - self._link.config.backfill_hours * 3600, now
        seen: set[str] = set()
        found = 0
        while True:
            with operation("fetch_my_trades"):
                trades = await self._link.client.fetch_my_trades(symbol, int(start * 1000))
            fresh = [trade for trade in trades if str(trade["id"]) not in seen]
            if not fresh:
                break
            seen.update(str(trade["id"]) for trade in fresh)
            start = max(trade["timestamp"] for trade in fresh) / 1000
            found += sum(self._accept(t, redelivery=True) for t in fresh if t["timestamp"] / 1000 <= newest)
        self._read_to[symbol] = newest
        return found

    def _recovered(self, symbol: str, found: int) -> None:
        self._link.exchange.backfilled[self._link.config.account] += found
        if found:
            log.info("%s: %d fills of %s were missed and are recovered", self._link.config.name, found, symbol)

    def _accept(self, trade: Any, *, redelivery: bool) -> bool:
        try:
            fill = convert.fill(trade, self._link.config)
        except EventError as error:
            self._link.intake.reject(error, SOURCE)
            return False
        return self._link.intake.accept(fill, SOURCE, redelivery=redelivery)


class Orders:
    """The orders of an account's symbols."""

    def __init__(self, link: Link, symbols: list[str], *, streamed: bool) -> None:
        self._link = link
        self._symbols = symbols
        interval = link.config.backfill_interval if streamed else link.config.poll_interval
        self.reader = Reader(link, link.account_part("open orders"), interval, self._read)

    def accept(self, reports: list[Any]) -> None:
        """Take ccxt's reports of orders."""
        for report in reports:
            try:
                event = convert.order(report, self._link.config, self._link.exchange_now())
            except EventError as error:
                self._link.intake.reject(error, SOURCE)
            else:
                self._link.intake.accept(event, SOURCE)

    async def _read(self, _: bool) -> None:
        for symbol in self._symbols:
            self.accept(await self._open(symbol))

    async def _open(self, symbol: str) -> list[Any]:
        """The orders that rest now, and the end of those that we believed to rest but do not."""
        config, known = self._link.config, self._link.state.orders
        with operation("fetch_open_orders"):
            reports = list(await self._link.client.fetch_open_orders(symbol))
        key = BookKey(config.name, config.account, symbol, config.strategy)
        resting = {str(report["id"]) for report in reports}
        for order_id, side in known.open(key).items():
            if order_id not in resting:
                reports.append(await self._ended(symbol, order_id, side))
        return reports

    async def _ended(self, symbol: str, order_id: str, side: str) -> Any:
        try:
            with operation("fetch_order"):
                return await self._link.client.fetch_order(order_id, symbol)
        except OrderNotFound:  # exchanges forget canceled orders that had no fill
            return {"id": order_id, "symbol": symbol, "side": side, "status": "canceled"}
