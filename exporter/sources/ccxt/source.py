"""One account on one exchange: probes, market data, fills, orders, and what it holds.

Each part runs on its own and comes back by itself; an exchange that is down keeps only its own parts
waiting.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections.abc import Coroutine, Iterator
from functools import partial
from typing import Any

from ccxt.base.errors import BadResponse

from exporter.config import Exchange
from exporter.intake import Intake
from exporter.sources.ccxt.account import AccountReader
from exporter.sources.ccxt.books import Books
from exporter.sources.ccxt.client import Call, close, operation
from exporter.sources.ccxt.history import SETTLE, Fills, Orders
from exporter.sources.ccxt.link import Link
from exporter.sources.ccxt.streams import StreamKeeper
from exporter.state.exchange import Stream
from exporter.state.state import State

log = logging.getLogger(__name__)


class CcxtSource:
    """Brings what happens to one account on one exchange into the intake until `run` is cancelled.

    ``market_symbols`` are the markets to watch; of several accounts on one exchange, one does that for all.
    """

    def __init__(self, config: Exchange, market_symbols: list[str], state: State, intake: Intake) -> None:
        self._config = config
        self._market_symbols = market_symbols
        self._is_up = True
        self._link = Link(config, state, intake)
        # What is known from before a restart; looked up before bots can tell of newer fills.
        account, newest = (config.name, config.account), state.ledger.newest_fill
        known = {symbol: newest(account, symbol) for symbol in config.symbols}
        self._newest = {symbol: ts for symbol, ts in known.items() if ts is not None}

    async def run(self) -> None:
        """Watch the exchange; returns only by cancellation."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._probe())
                tasks.create_task(self._watch(tasks))
        finally:
            await close(self._link.client)

    # The probe: is it there, how fast, and what does its clock say.

    async def _probe(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            await self._probe_once()
            await asyncio.sleep(max(0.1, self._config.probe_interval - (loop.time() - started)))

    async def _probe_once(self) -> None:
        exchange, part = self._link.exchange, self._link.part()
        try:
            exchange.clock_offset = await self._measure()
        except Exception as error:  # any failure of a probe is a figure, not an end
            exchange.up = self._is_up = False
            self._link.failed(part, error)
            return
        if not self._is_up:
            self._link.wake()
        exchange.up = self._is_up = True
        self._link.works(part)

    async def _measure(self) -> float | None:
        """Ask the exchange for its time; its clock minus ours in seconds, None where it has no such call."""
        client = self._link.client
        if not client.has.get("fetchTime"):
            symbol = (self._config.symbols or self._config.rate_symbols)[0]
            with operation("fetch_order_book"):
                await client.fetch_order_book(symbol, 5)
            return None
        with operation("fetch_time") as call:
            told = await client.fetch_time()
        if told is None:
            raise BadResponse(f"{self._config.name} answered a probe without a time")
        offset = _offset(float(told) / 1000, call, self._link.exchange.clock_offset or 0.0)
        if "timeDifference" in client.options:
            client.options["timeDifference"] = -round(offset * 1000)  # signed requests carry its time, not ours
        return offset

    # The streams.

    async def _watch(self, tasks: asyncio.TaskGroup) -> None:
        await self._link.until_done(self._link.part("markets"), self._load_markets)
        unknown = self._unknown({*self._market_symbols, *self._config.symbols})
        for symbol in self._market_symbols:
            if symbol not in unknown:
                tasks.create_task(Books(self._link, symbol).keeper.run())
        if not self._config.has_keys:
            log.info("%s has no api_key: market data only", self._config.name)
            return
        known = [symbol for symbol in self._config.symbols if symbol not in unknown]
        all_fills = [self._history(symbol) for symbol in known]
        for symbol, fills in zip(known, all_fills, strict=True):
            for each in self._private(symbol, fills):
                tasks.create_task(each)
        if known:
            tasks.create_task(AccountReader(self._link, known, all_fills).reader.run())

    async def _load_markets(self) -> None:
        with operation("load_markets"):
            markets = await self._link.client.load_markets(reload=True)
        if not markets:
            raise BadResponse(f"{self._config.name} listed no markets")

    def _unknown(self, symbols: set[str]) -> set[str]:
        """The symbols that the exchange has not; each is said once, with the nearest names."""
        markets = self._link.client.markets
        unknown = {symbol for symbol in symbols if symbol not in markets}
        for symbol in sorted(unknown):
            close_names = difflib.get_close_matches(symbol, markets, 3) or list(markets)[:3]
            text = f"unknown symbol {symbol!r}; this exchange has, for example, {', '.join(close_names)}"
            self._link.state.components[self._link.part(symbol)].detail = text
            log.error("%s: %s", self._config.name, text)
        return unknown

    def _has(self, feature: str) -> bool:
        return bool(self._link.client.has.get(feature))

    def _history(self, symbol: str) -> Fills:
        return Fills(self._link, symbol, streamed=self._has("watchMyTrades"), newest=self._newest.get(symbol))

    def _private(self, symbol: str, fills: Fills) -> Iterator[Coroutine[Any, Any, None]]:
        """What brings a symbol's fills and orders: the exchange's record of each, and the streams that it has."""
        orders = Orders(self._link, symbol, streamed=self._has("watchOrders"))
        if self._has("fetchMyTrades"):
            yield fills.reader.run()
        if self._has("fetchOpenOrders"):
            yield orders.reader.run()
        if self._has("watchMyTrades"):
            yield self._fills(symbol, fills).run()
        if self._has("watchOrders"):
            yield self._orders(symbol, orders).run()

    def _fills(self, symbol: str, fills: Fills) -> StreamKeeper:
        async def watch() -> Any:
            with operation("watch_my_trades"):
                return await self._link.client.watch_my_trades(symbol)

        def deliver(trades: list[Any]) -> None:
            asyncio.get_running_loop().call_later(SETTLE, fills.accept_streamed, trades)

        part = self._link.account_part(f"fills/{symbol}")
        keeper = StreamKeeper(self._link, Stream.FILLS, part, watch, deliver)
        keeper.restored = fills.reader.gap
        keeper.stands = partial(self._link.client.stands, "watch_my_trades")
        keeper.abandon = partial(self._link.client.drop_streams, "watch_my_trades", "a subscription failed")
        return keeper

    def _orders(self, symbol: str, orders: Orders) -> StreamKeeper:
        async def watch() -> Any:
            with operation("watch_orders"):
                return await self._link.client.watch_orders(symbol)

        part = self._link.account_part(f"orders/{symbol}")
        keeper = StreamKeeper(self._link, Stream.ORDERS, part, watch, orders.accept_streamed)
        keeper.restored = orders.restored
        keeper.lost = orders.lost
        keeper.stands = partial(self._link.client.stands, "watch_orders")
        keeper.abandon = partial(self._link.client.drop_streams, "watch_orders", "a subscription failed")
        return keeper


def _offset(told: float, call: Call, before: float) -> float:
    """The exchange's clock minus ours in seconds.

    Some exchanges tell whole seconds, which leaves the offset open by one: then what was believed ``before`` is
    kept, as far as this answer allows it, and each answer narrows it down.
    """
    if told % 1:
        return told - (call.sent + call.received) / 2
    return min(max(before, told - call.received), told + 1 - call.sent)
