"""One account on one exchange: probes, market data, fills and orders.

Each part runs on its own and comes back by itself; an exchange that is down keeps only its own parts
waiting.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections.abc import Coroutine, Iterable, Iterator
from functools import partial
from typing import Any

from ccxt.base.errors import BadResponse

from exporter.config import Exchange
from exporter.intake import Intake
from exporter.sources.ccxt.client import close, operation
from exporter.sources.ccxt.history import Fills, Orders
from exporter.sources.ccxt.link import Link
from exporter.sources.ccxt.streams import StreamKeeper
from exporter.state.exchange import Stream
from exporter.state.state import State

log = logging.getLogger(__name__)

_SETTLE = 0.05  # seconds; market data sent before a fill, on another connection, arrives within it


class CcxtSource:
    """Brings what happens on one exchange into the intake until `run` is cancelled."""

    def __init__(self, config: Exchange, state: State, intake: Intake) -> None:
        self._config = config
        self._link = Link(config, state, intake)

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
            exchange.up = False
            self._link.failed(part, error)
            return
        if exchange.up is False:
            self._link.wake()
        exchange.up = True
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
        offset = float(told) / 1000 - (call.sent + call.received) / 2
        if "timeDifference" in client.options:
            client.options["timeDifference"] = -round(offset * 1000)  # signed requests carry its time, not ours
        return offset

    # The streams.

    async def _watch(self, tasks: asyncio.TaskGroup) -> None:
        await self._link.until_done(self._link.part("markets"), self._load_markets)
        symbols = self._known(self._config.symbols)
        for symbol in dict.fromkeys([*symbols, *self._known(self._config.rate_symbols)]):
            tasks.create_task(self._books(symbol).run())
        if not self._config.has_keys:
            log.info("%s has no api_key: market data only", self._config.name)
            return
        for each in self._private(symbols):
            tasks.create_task(each)

    async def _load_markets(self) -> None:
        with operation("load_markets"):
            markets = await self._link.client.load_markets(reload=True)
        if not markets:
            raise BadResponse(f"{self._config.name} listed no markets")

    def _known(self, symbols: Iterable[str]) -> list[str]:
        """The symbols that can be accounted for; what is wrong with the others is said once."""
        problems = {symbol: self._problem(symbol) for symbol in symbols}
        for symbol, problem in problems.items():
            if problem:
                self._link.state.components[self._link.part(symbol)].detail = problem
                log.error("%s: %s", self._config.name, problem)
        return [symbol for symbol, problem in problems.items() if not problem]

    def _problem(self, symbol: str) -> str:
        """Why a symbol cannot be used, in words; empty when it can."""
        markets = self._link.client.markets
        if symbol not in markets:
            close_names = difflib.get_close_matches(symbol, markets, 3) or list(markets)[:3]
            return f"unknown symbol {symbol!r}; this exchange has, for example, {', '.join(close_names)}"
        market = markets[symbol]
        if market.get("inverse") or (market.get("contractSize") or 1) != 1:
            return f"symbol {symbol!r} is a contract whose quantities are not base currency; it cannot be used yet"
        return ""

    def _has(self, feature: str) -> bool:
        return bool(self._link.client.has.get(feature))

    def _books(self, symbol: str) -> StreamKeeper:
        client, market = self._link.client, self._link.state.markets[self._config.name, symbol]
        market.expect(self._link.state.clock())

        async def watch() -> Any:
            if self._has("watchOrderBook"):
                with operation("watch_order_book"):
                    return await client.watch_order_book(symbol)
            await asyncio.sleep(1.0)
            with operation("fetch_order_book"):
                self._link.accept_book(await client.fetch_order_book(symbol, 5))
            return None

        # The link hears of every change itself, so a message that wakes the keeper needs no delivery.
        keeper = StreamKeeper(self._link, Stream.BOOKS, self._link.part(f"books/{symbol}"), watch, _drop)
        keeper.lost = market.lose
        keeper.quiet = partial(self._confirm_quiet, symbol)
        keeper.quiet_after = self._link.state.config.targets.market_data_age_seconds / 2
        return keeper

    async def _confirm_quiet(self, symbol: str) -> None:
        """Ask whether a market is quiet or its stream dead: a quiet one has the top of the book we know."""
        with operation("fetch_order_book"):
            book = await self._link.client.fetch_order_book(symbol, 5)
        known = self._link.state.markets[self._config.name, symbol].mid
        self._link.accept_book(book)
        if known is not None and self._link.state.markets[self._config.name, symbol].mid != known:
            self._link.client.drop_streams("a stream was silent while its market moved")

    def _private(self, symbols: list[str]) -> Iterator[Coroutine[Any, Any, None]]:
        """What brings fills and orders: the exchange's record of each, and the streams that it has."""
        has_fills, has_orders = self._has("watchMyTrades"), self._has("watchOrders")
        fills = Fills(self._link, symbols, streamed=has_fills)
        orders = Orders(self._link, symbols, streamed=has_orders)
        yield fills.reader.run()
        yield orders.reader.run()
        for symbol in symbols:
            if has_fills:
                yield self._fills(symbol, fills).run()
            if has_orders:
                yield self._orders(symbol, orders).run()

    def _fills(self, symbol: str, fills: Fills) -> StreamKeeper:
        async def watch() -> Any:
            with operation("watch_my_trades"):
                return await self._link.client.watch_my_trades(symbol)

        def deliver(trades: list[Any]) -> None:
            asyncio.get_running_loop().call_later(_SETTLE, fills.accept_streamed, trades)

        part = self._link.account_part(f"fills/{symbol}")
        keeper = StreamKeeper(self._link, Stream.FILLS, part, watch, deliver)
        keeper.restored = fills.reader.gap
        return keeper

    def _orders(self, symbol: str, orders: Orders) -> StreamKeeper:
        async def watch() -> Any:
            with operation("watch_orders"):
                return await self._link.client.watch_orders(symbol)

        part = self._link.account_part(f"orders/{symbol}")
        keeper = StreamKeeper(self._link, Stream.ORDERS, part, watch, orders.accept)
        keeper.restored = orders.reader.gap
        return keeper


def _drop(_: object) -> None:
    return None
