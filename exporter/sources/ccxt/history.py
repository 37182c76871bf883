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

from exporter.errors import EventError, OverloadError
from exporter.events import BookKey
from exporter.sources.ccxt import convert
from exporter.sources.ccxt.client import operation
from exporter.sources.ccxt.link import SOURCE, Link
from exporter.sources.ccxt.pages import MAY_BE_CUT, OVERLAP, Pages, timestamp
from exporter.sources.trade_ids import TradeIds

log = logging.getLogger(__name__)

_ASK_AGAIN, _TRIES = 1.0, 10
_STREAM_FIRST = 2.0  # seconds that the stream has to deliver a fill before the history may

SETTLE = 0.05
"""Seconds that a streamed fill waits, so that market data sent before it, on another connection, is there first."""


class Reader:
    """Calls ``read`` at the start, soon after each `gap`, and every ``interval`` seconds, until it succeeds.

    ``read`` is told whether it is called because of a gap. After a failure it is called again no later than twice the
    interval, which is not more often than when all is well.
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
            await self._link.until_done(self._part, partial(self._read, after_gap), longest=2 * self._interval)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._gap.wait()


class Fills:
    """The fills of one symbol, from the stream and from the history, each handed on once.

    ``newest`` is the time of the newest fill that is known from before; without one, the first reading goes back
    as far as configured.
    """

    def __init__(self, link: Link, symbol: str, *, streamed: bool, newest: float | None = None) -> None:
        self._link = link
        self._symbol = symbol
        self._streamed = streamed
        self._newest = newest
        self._read_to: float | None = None
        self._advanced = asyncio.Event()
        self._awaited: dict[str, int] = {}  # streamed without a fee: how often the history is still asked for it
        self._trade_ids = TradeIds(link.state.ledger)
        whole = getattr(link.client, "whole_history", False)
        self._pages = Pages(link, f"fills of {symbol}", self._page, whole=whole)
        self._link.exchange.backfilled[link.config.account] += 0
        interval = link.config.backfill_interval if streamed else link.config.poll_interval
        self.reader = Reader(link, link.account_part(f"history/{symbol}"), interval, self._read)

    def accept_streamed(self, trades: list[Any]) -> None:
        """Take trades from a stream; one that lacks its fee is fetched from the history, which has it.

        What cannot be taken now is dropped, and the history has it later.
        """
        for trade in trades:
            if convert.has_fee(trade) or not self._link.client.has.get("fetchMyTrades"):
                try:
                    self._accept(trade, redelivery=False)
                except OverloadError:
                    self.reader.gap()
            else:
                self._awaited[str(trade.get("id"))] = _TRIES
                self.reader.gap()

    async def read_to(self, ts: float) -> None:
        """Wait until the history was read up to ``ts`` on the exchange's clock, or where there is a stream, at all."""
        while self._link.client.has.get("fetchMyTrades") and not self._has_read(ts):
            if not self._streamed:
                self.reader.gap()
            await self._advanced.wait()

    def _has_read(self, ts: float) -> bool:
        return self._read_to is not None and (self._streamed or self._read_to >= ts)

    async def _read(self, after_gap: bool) -> None:
        """Read on from where the last reading ended, and count what was new, but for the first reading.

        What the stream may be about to deliver is left to it: in the routine reading for a good moment,
        after a gap as long as a fill takes to settle.
        """
        now, is_first = self._link.exchange_now(), self._read_to is None
        patience = 0.0 if is_first or not self._streamed else SETTLE if after_gap else _STREAM_FIRST
        found = 0
        for number, trade in enumerate(await self._pages.read(self._start(now), now)):
            if timestamp(trade) <= (now - patience) * 1000:
                is_new = self._accept(trade, redelivery=True)
                was_awaited = self._awaited.pop(str(trade.get("id")), None) is not None
                found += is_new and not was_awaited
            if number % 100 == 99:
                await asyncio.sleep(0)
        self._read_to = now - patience
        self._advanced.set()
        self._advanced.clear()
        self._ask_again()
        if self._streamed and not is_first and found:
            self._link.exchange.backfilled[self._link.config.account] += found
            log.info("%s: %d fills of %s were missed and are recovered", self._link.config.name, found, self._symbol)

    def _start(self, now: float) -> float:
        """From when on to read: what was read already is asked for again only shortly before its end.

        The first time it goes back as far as configured, and farther if the newest known fill is older. That fill
        alone says little: the stream may have told it while what came before was never read.
        """
        if self._read_to is not None:
            return min(self._read_to, now) - OVERLAP
        configured = now - self._link.config.backfill_hours * 3600
        return configured if self._newest is None else min(configured, self._newest - OVERLAP)

    def _ask_again(self) -> None:
        """Read again soon for what was streamed without a fee and is not in the history yet, but not for ever."""
        for trade_id in [each for each, tries in self._awaited.items() if tries == 1]:
            log.warning("%s: trade %s came without a fee and is not on record", self._link.config.name, trade_id)
        self._awaited = {trade_id: tries - 1 for trade_id, tries in self._awaited.items() if tries > 1}
        if self._awaited:
            asyncio.get_running_loop().call_later(_ASK_AGAIN, self.reader.gap)

    async def _page(self, since: int, until: int | None) -> list[Any]:
        limits = {} if until is None else {"until": until}
        with operation("fetch_my_trades"):
            return list(await self._link.client.fetch_my_trades(self._symbol, since, None, limits))

    def _accept(self, trade: Any, *, redelivery: bool) -> bool:
        try:
            told = convert.fill(trade, self._link.config, self._link.contract_size(self._symbol))
        except EventError as error:
            self._link.intake.reject(error, SOURCE)
            return False
        return self._link.intake.accept(self._trade_ids.of(told), SOURCE, redelivery=redelivery)


class Orders:
    """The orders of one symbol, from the stream and as the exchange has them on record."""

    def __init__(self, link: Link, symbol: str, *, streamed: bool) -> None:
        self._link = link
        self._symbol = symbol
        self._is_lost = False
        self._missed: set[str] = set()  # believed to rest, but not known to the exchange at the last reading
        self._doubtful: set[str] = set()  # of which the exchange does not say what became of them
        interval = link.config.backfill_interval if streamed else link.config.poll_interval
        self.reader = Reader(link, link.account_part(f"open orders/{symbol}"), interval, self._read)

    def accept_streamed(self, reports: list[Any]) -> None:
        """Take ccxt's reports of orders; what cannot be taken now is dropped, and the record has it later."""
        try:
            self._accept(reports, redelivery=False)
        except OverloadError:
            self.reader.gap()

    def restored(self) -> None:
        """The stream is there again: see what was missed."""
        self._is_lost = False
        self.reader.gap()

    def lost(self) -> None:
        """The stream is away: what rests is not known any more, and so not what we quote."""
        self._is_lost = True
        state, config = self._link.state, self._link.config
        state.quality.lose(state.clock(), config.name, config.account, self._symbol)

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
        self._doubtful &= gone
        is_whole = len(reports) < MAY_BE_CUT
        for order_id in gone:
            ended = await self._look_up(order_id, believed[order_id], is_whole=is_whole)
            self._accept([] if ended is None else [ended], redelivery=True)
        if self._is_lost:
            self.lost()  # it is known of this moment only

    async def _look_up(self, order_id: str, side: str, *, is_whole: bool) -> Any:
        """What became of an order that is not among those that rest; None when that cannot be said yet.

        Exchanges forget canceled orders that had no fill, and some show a new one late: an order that the exchange
        does not know at two readings in a row is taken as canceled. Where one order cannot be asked for, that it is
        not among those that rest says as much, if those are so few that their list ``is_whole``.
        """
        try:
            found = await self._ask_for(order_id)
        except OrderNotFound:
            is_unknown = True
        except ExchangeError as error:
            self._doubt(order_id, error)
            return None
        else:
            self._doubtful.discard(order_id)
            if found is not None:
                self._missed.discard(order_id)
                return found
            is_unknown = is_whole
        if is_unknown and order_id in self._missed:
            return {"id": order_id, "symbol": self._symbol, "side": side, "status": "canceled"}
        if is_unknown:
            self._missed.add(order_id)
        return None

    async def _ask_for(self, order_id: str) -> Any:
        """The exchange's word on one order; None where it cannot be asked."""
        if not self._link.client.has.get("fetchOrder"):
            return None
        with operation("fetch_order"):
            return await self._link.client.fetch_order(order_id, self._symbol)

    def _doubt(self, order_id: str, error: ExchangeError) -> None:
        """Say that the exchange does not tell what became of orders, of the first one; they rest until it does."""
        level = logging.DEBUG if self._doubtful else logging.WARNING
        self._doubtful.add(order_id)
        name, text = self._link.config.name, "%s: what became of order %s of %s cannot be found out"
        log.log(level, text, name, order_id, self._symbol, extra={"detail": self._link.describe(error)})
