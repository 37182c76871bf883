"""Follows a bot's database: everything in it at the start, and from then on what is new."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from exporter.errors import EventError, OverloadError
from exporter.events import Event
from exporter.health import Backoff
from exporter.sources.hummingbot.convert import Trade
from exporter.sources.hummingbot.database import Batch, Cursors, Database
from exporter.sources.hummingbot.health import Bot

log = logging.getLogger(__name__)

PART = "database"
_ORDERS_SINCE = 86_400.0  # seconds; what became of orders before then, while we were not there, is of no use
_BREATH = 0.05  # seconds between two readings, however much happens: the bot writes meanwhile
_SLICE = 20  # rows between two turns of the loop
# Below these, six decimals are so few digits that what hummingbot cuts off may matter.
_SMALL_PRICE, _SMALL_QUANTITY = Decimal("0.01"), Decimal("0.0001")

T = TypeVar("T")


class Record:
    """Hands on each row of the database once; a row is behind us only when the journal has it on disk."""

    def __init__(self, bot: Bot, path: Path) -> None:
        self._bot = bot
        self._database = Database(path)
        self._cursors: Cursors | None = None
        self._since = bot.state.clock() - (bot.config.backfill_hours or 1e9) * 3600
        self._is_behind = True  # what is read now is not news, but what we missed
        self._woken = asyncio.Event()
        self._warned: set[str] = set()

    def wake(self) -> None:
        """Read at once: the bot says that something happened."""
        self._woken.set()

    async def run(self) -> None:
        """Read until cancelled, backing off from every failure."""
        backoff = Backoff()
        while True:
            self._woken.clear()
            try:
                await self._catch_up()
            except Exception as error:  # one bot's trouble must not end the program
                self._is_behind = True
                self._bot.part(PART).failed(error)
                await asyncio.sleep(backoff.next())
                continue
            self._is_behind = False
            self._bot.part(PART).works()
            backoff.reset()
            await asyncio.sleep(_BREATH)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._bot.config.poll_interval):
                    await self._woken.wait()

    async def _catch_up(self) -> None:
        """Read all that is new."""
        is_full = True
        while is_full:
            if self._cursors is None:
                self._cursors = await self._begin()
            batch = await asyncio.to_thread(self._database.read, self._cursors)
            if batch.replaced:
                log.info("%s: the database was replaced and is read from its beginning", self._bot.config.name)
                self._cursors, self._is_behind = None, True
                self._bot.forget_trades()
                continue
            await self._take(batch)
            await self._bot.intake.durable()
            self._cursors, is_full = batch.cursors, batch.is_full

    async def _begin(self) -> Cursors:
        """Take the orders that rest; the cursor behind all that has been said of orders."""
        since = max(self._since, self._bot.state.clock() - _ORDERS_SINCE)
        reports, cursors = await asyncio.to_thread(self._database.standing, since)
        await self._hand_on(reports, self._bot.convert.order)
        return cursors

    async def _take(self, batch: Batch) -> None:
        self._warn(batch)
        await self._hand_on(batch.trades, self._bot.convert.fill)
        await self._hand_on(batch.reports, self._bot.convert.order)
        await self._hand_on(batch.payments, self._bot.convert.funding)
        for each in (*batch.trades[-1:], *batch.reports[-1:]):
            if not isinstance(each, EventError):
                self._bot.seen(each.ts, each.strategy, each.market)

    async def _hand_on(self, rows: list[Any], convert: Callable[[Any], Event]) -> None:
        for count, row in enumerate(rows):
            if count % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
            try:
                if isinstance(row, EventError):
                    raise row
                event = convert(row)
            except EventError as error:
                self._bot.reject(error)
            else:
                if event.ts >= self._since:
                    await self._deliver(event)

    async def _deliver(self, event: Event) -> None:
        """Hand on one event, once the journal takes it; `JournalError` when its disk refuses."""
        while True:
            try:
                self._bot.accept(event, redelivery=self._is_behind)
            except OverloadError:
                await self._bot.intake.durable()
                await asyncio.sleep(_BREATH)
            else:
                return

    def _warn(self, batch: Batch) -> None:
        """Say once what makes the bot's own record doubtful."""
        for trade in batch.trades if batch.in_millionths else ():
            if isinstance(trade, Trade) and (trade.price < _SMALL_PRICE or trade.quantity < _SMALL_QUANTITY):
                text = "hummingbot's database cuts prices and amounts off after six decimals; with values as small"
                self._warn_once(trade, "small", f"{text} as {trade.price} and {trade.quantity} that may matter")
        for trade in batch.overfilled:
            text = f"the fills of order {trade.order_id} add up to more than was ordered"
            self._warn_once(trade, "overfilled", f"{text}; the connector may count what was filled before again")

    def _warn_once(self, trade: Trade, what: str, text: str) -> None:
        key = f"{what} {trade.market} {trade.pair}"
        if key not in self._warned:
            self._warned.add(key)
            log.warning("%s: %s of %s: %s", self._bot.config.name, trade.pair, trade.market, text)
