"""The book of one market: its stream, and the question whether a silent one is dead."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from exporter.sources.ccxt.client import operation
from exporter.sources.ccxt.link import SNAPSHOT_AGE, Link
from exporter.sources.ccxt.streams import StreamKeeper
from exporter.state.exchange import Stream


class Books:
    """Market data of one symbol, by stream where the exchange has one and by polling otherwise."""

    def __init__(self, link: Link, symbol: str) -> None:
        self._link = link
        self._symbol = symbol
        self._streamed = bool(link.client.has.get("watchOrderBook"))
        self._market = link.state.markets[link.config.name, symbol]
        self._market.expect(link.state.clock())
        self._suspected = False
        self.keeper = StreamKeeper(link, Stream.BOOKS, link.part(f"books/{symbol}"), self._watch, self._heard)
        self.keeper.lost = self._lose
        stale_after = link.state.config.targets.market_data_age_seconds
        self._poll_interval = min(link.config.poll_interval, stale_after / 2)
        if self._streamed:
            self.keeper.stands = partial(link.client.stands, "watch_order_book")
            self.keeper.quiet = self._ask
            self.keeper.quiet_after = stale_after / 2

    def _lose(self) -> None:
        """What stands is not known any more, to the market's own figures and to those of our quotes."""
        state = self._link.state
        self._market.lose()
        state.quality.lose_market(state.clock(), self._link.config.name, self._symbol)

    async def _watch(self) -> Any:
        if self._streamed:
            with operation("watch_order_book"):
                return await self._link.client.watch_order_book(self._symbol)
        self._link.accept_book(await self._fetch())
        await asyncio.sleep(self._poll_interval)
        return None

    def _heard(self, _: object) -> None:
        """A message came; the link has seen each book that it changed already."""
        self._suspected = False

    async def _fetch(self) -> Any:
        with operation("fetch_order_book"):
            return await self._link.client.fetch_order_book(self._symbol, 5)

    async def _ask(self) -> None:
        """Ask for the book of a market that is silent.

        A quiet market has the book that we know. One that moved without a word, twice in a row, since a
        change may be on its way when we ask, has a dead stream.
        """
        before = self._market.updated, self._market.mid
        try:
            book = await self._fetch()
        except Exception:  # counted as a failed request; that the question failed says nothing of the stream
            return
        if (self._market.updated, self._market.mid) != before:
            return
        self._link.accept_book(book, age=SNAPSHOT_AGE)
        has_moved = before[1] is not None and self._market.mid != before[1]
        if has_moved and self._suspected:
            self._link.client.drop_streams("watch_order_book", "a stream was silent while its market moved")
        self._suspected = has_moved
