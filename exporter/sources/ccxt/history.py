"""Fills from the exchange's own history: at the start, after every gap, and from time to time.

Streams lose fills and send some twice, so the history is the authority and the stream only the quick way.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial
from typing import Any

from exporter.errors import EventError
from exporter.sources.ccxt import convert
from exporter.sources.ccxt.client import operation
from exporter.sources.ccxt.link import SOURCE, Link

log = logging.getLogger(__name__)

_OVERLAP = 600.0  # seconds asked for again, since a fill may appear in the history after a later one
_STREAM_FIRST = 2.0  # seconds that the stream has to deliver a fill before the history may


class History:
    """Reads the fills of an account's symbols and hands them on, each once."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._gap = asyncio.Event()
        self._read_to: dict[str, float] = {}

    def fill_gap(self) -> None:
        """Read the history soon: fills may have been missed."""
        self._gap.set()

    def accept_streamed(self, trades: list[Any]) -> None:
        """Take trades from a stream; one that lacks its fee is fetched from the history, which has it."""
        for trade in trades:
            if convert.has_fee(trade) or not self._link.client.has.get("fetchMyTrades"):
                self._accept(trade, redelivery=False)
            else:
                self.fill_gap()

    async def run(self, symbols: list[str], *, streamed: bool) -> None:
        """Read until cancelled; where no stream delivers fills, at the polling interval."""
        config = self._link.config
        part = self._link.account_part("history")
        while True:
            # In the routine reading a stream that stands has a moment to be first; after a gap it has not.
            patience = _STREAM_FIRST if streamed and not self._gap.is_set() else 0.0
            self._gap.clear()
            for symbol in symbols:
                found = await self._link.until_done(part, partial(self._read, symbol, patience))
                if streamed:
                    self._recovered(symbol, found)
            with suppress(TimeoutError):
                async with asyncio.timeout(config.backfill_interval if streamed else config.poll_interval):
                    await self._gap.wait()

    async def _read(self, symbol: str, patience: float) -> int:
        """Page through a symbol's history from where the last reading ended, but for the last ``patience`` seconds.

        Gives the number of fills that were new; those of the first reading are not counted.
        """
        now = self._link.exchange_now()
        is_first = symbol not in self._read_to
        start = now - self._link.config.backfill_hours * 3600 if is_first else self._read_to[symbol] - _OVERLAP
        newest = now if is_first else now - patience
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
        return 0 if is_first else found

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
