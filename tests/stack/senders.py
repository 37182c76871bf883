"""Bots that push all that happens to them, and note what the exporter acknowledged.

Each trades on an exchange of its own: whatever it reports comes with the prices of its own time, so that what it
comes to does not depend on what the exporter was told before, or on when it was killed.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.stack.exact import Key
from tests.stack.exporting import Exporter

Event = dict[str, Any]

ACCOUNTS = {"main": "maker", "second": "hedge"}  # with the strategy of each
LATER = "KCS"  # a currency whose market is told of only now and then, at one price
LATER_USD = "10.5"

_QUARTERS = {"BTC/USDT": 240_000, "BTC/USD:BTC": 240_400, "ETH/USDT:USDT": 16_000, "LTC/USDT": 400, "BNB/USDT": 2_400}
_SIZES = {"BTC/USDT": None, "LTC/USDT": None, "ETH/USDT:USDT": "0.01", "BTC/USD:BTC": "100"}
_FEES = {
    "BTC/USDT": ("USDT", "BNB", "BTC"),
    "LTC/USDT": (LATER, "USDT"),
    "ETH/USDT:USDT": ("USDT", "BNB"),
    "BTC/USD:BTC": ("BTC",),
}
# One book has most of the fills, so that what is late falls out of what is kept of it in memory.
_BUSY_ACCOUNTS = (*ACCOUNTS, "main", "main")
_BUSY_SYMBOLS = (*_SIZES, *["BTC/USDT"] * 6)


@dataclass
class Batch:
    """What is pushed at once: prices first, then what happened; ``repeats`` were acknowledged before."""

    books: list[Event] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    repeats: list[Event] = field(default_factory=list)

    def lines(self) -> list[Event]:
        return [*self.books, *self.events, *self.repeats]


class Moments:
    """``ready`` is set with the first answer of a process, ``down`` when it is killed."""

    def __init__(self) -> None:
        self.ready, self.down = asyncio.Event(), asyncio.Event()


class Bot:
    """Makes things up, pushes them, and keeps what was ``acknowledged`` apart from the batches that are ``unsure``."""

    def __init__(self, exchange: str, seed: int) -> None:
        self.exchange = exchange
        self.acknowledged: list[Event] = []
        self.unsure: list[Batch] = []
        self.books: list[Event] = []
        self.reported = 0.0  # the time of the newest report of a balance beside these
        self._late: list[Batch] = []
        self._chance = random.Random(seed)
        self._mids = dict(_QUARTERS)
        self._net: defaultdict[Key, int] = defaultdict(int)
        self._number = 0
        self._ts = 0.0

    async def run(self, exporter: Exporter, session: aiohttp.ClientSession, moments: Moments) -> None:
        """Push until the exporter is gone."""
        batch = self._batch(is_first=True)
        while True:
            try:
                answer = await exporter.push(batch.lines(), session)
            except aiohttp.ClientConnectorError:  # not there yet, or no more
                if moments.down.is_set():
                    break
                await asyncio.sleep(0.02)
            except aiohttp.ClientError:
                break
            else:
                moments.ready.set()
                assert (answer["refused"], answer["duplicates"]) == (0, len(batch.repeats)), answer
                self.acknowledged += batch.events
                await asyncio.sleep(self._chance.uniform(0.0, 0.06))
                batch = self._batch(is_first=False)
        self.unsure.append(batch)

    async def send_again(self, exporter: Exporter) -> None:
        """Push to an exporter that was just started what was never acknowledged."""
        books = sorted((book for batch in self.unsure for book in batch.books), key=lambda book: float(book["ts"]))
        events = [event for batch in self.unsure for event in batch.events]
        if events:
            answer = await exporter.push([*books, *events])
            assert answer["refused"] == 0, answer
        self.acknowledged += events
        self.unsure = []

    async def send_some(self, exporter: Exporter, batches: int) -> None:
        """Push so many batches, one after another, each acknowledged."""
        for number in range(batches):
            batch = self._batch(is_first=not number)
            await exporter.push(batch.lines())
            self.acknowledged += batch.events

    def prices_now(self) -> list[Event]:
        """The prices of a moment after all that happened, those among them that are seldom told."""
        return [*self._moment(), self._later(self._ts)]

    @property
    def sent(self) -> list[Event]:
        """All that was sent, whether it arrived or not."""
        return [*self.acknowledged, *(event for batch in self.unsure for event in batch.events)]

    def _batch(self, *, is_first: bool) -> Batch:
        """Some moments, told in any order; the first of a process also has what was held back for long."""
        chance, batch = self._chance, Batch()
        if is_first and self._late:
            late = sorted(
                chance.sample(self._late, min(len(self._late), 4)), key=lambda each: float(each.books[0]["ts"])
            )
            self._late = [each for each in self._late if each not in late]
            for each in late:
                batch.books += each.books
                batch.events += each.events
        for _ in range(chance.choice((1, 1, 2)) if chance.random() < 0.97 else 30):
            books = self._moment()
            events = [self._event() for _ in range(chance.randint(1, 16))]
            batch.books += books
            if chance.random() < 0.1:
                self._late.append(Batch(books, [events.pop()]))
            batch.events += events
        if chance.random() < 0.2:
            batch.books.append(self._later(self._ts))
        chance.shuffle(batch.events)
        if self.acknowledged and chance.random() < 0.3:
            again = chance.choices(self.acknowledged, k=3)
            batch.repeats = [event for event in again if event["type"] != "balance"]  # which has no identity
        return batch

    def _moment(self) -> list[Event]:
        """The prices of a moment that is later than all before; what happens then has its time."""
        self._ts = round(max(time.time(), self._ts + 0.002), 3)
        for symbol in self._mids:
            self._mids[symbol] += self._chance.randint(-3, 3)
        books = [self._book(symbol, quarters / 4, self._ts) for symbol, quarters in self._mids.items()]
        self.books += books
        return books

    def _later(self, ts: float) -> Event:
        return self._book(f"{LATER}/USDT", float(LATER_USD), ts)

    def _book(self, symbol: str, mid: float, ts: float) -> Event:
        prices = {"bid": mid - 0.25, "bid_quantity": 1, "ask": mid + 0.25, "ask_quantity": 1}
        return {"type": "book", "exchange": self.exchange, "symbol": symbol, "ts": ts, **prices}

    def _event(self) -> Event:
        self._number += 1
        account = self._chance.choice(_BUSY_ACCOUNTS)
        head = {"exchange": self.exchange, "account": account, "ts": self._ts}
        match self._chance.randint(0, 30):
            case 0:
                return head | self._funding(account)
            case 1:
                currency = self._chance.choice(("USDT", "BTC", "BNB"))
                amount = self._amount()
                return head | {"type": "transfer", "transfer_id": self._id(), "currency": currency, "amount": amount}
            case 2:
                total = f"{self._number}.5"  # no two are the same
                return head | {"type": "balance", "currency": "USDT", "total": total}
        return head | self._fill(account)

    def _funding(self, account: str) -> Event:
        symbol, currency = self._chance.choice((("ETH/USDT:USDT", "USDT"), ("BTC/USD:BTC", "BTC")))
        paid = {"funding_id": self._id(), "currency": currency, "amount": self._amount()}
        return {"type": "funding", "symbol": symbol, "strategy": ACCOUNTS[account], **paid}

    def _fill(self, account: str) -> Event:
        chance = self._chance
        symbol = chance.choice(_BUSY_SYMBOLS)
        key: Key = self.exchange, account, symbol, ACCOUNTS[account]
        lots = chance.randint(1, 9)
        # Mostly towards zero, so that positions are closed and turned over again and again.
        is_buy = (self._net[key] < 0) == (chance.random() < 0.7)
        self._net[key] += lots if is_buy else -lots
        size = _SIZES[symbol]
        fill: Event = {
            "type": "fill",
            "symbol": symbol,
            "strategy": ACCOUNTS[account],
            "trade_id": self._id(),
            "order_id": str(self._number // 3),
            "side": "buy" if is_buy else "sell",
            "price": f"{(self._mids[symbol] + chance.randint(-4, 4)) / 4}",
            "quantity": str(lots) if size else f"0.00{lots}",
            "liquidity": chance.choice(("maker", "taker")),
        }
        if size:
            fill["contract_size"] = size
        fees = chance.sample(_FEES[symbol], chance.randint(0, len(_FEES[symbol])))
        paid = [{"currency": currency, "amount": f"{chance.randint(-20, 99) / 10**7:.7f}"} for currency in fees]
        if paid:
            fill["fee"] = paid if len(paid) > 1 else paid[0]
        return fill

    def _id(self) -> str:
        """Numbers mostly, as exchanges give them, and texts."""
        return str(self._number) if self._number % 5 else f"é {self._number:04}"

    def _amount(self) -> str:
        return f"{self._chance.randint(-5000, 5000) / 10_000:.4f}"


async def load(bots: Iterable[Bot], exporter: Exporter, moments: Moments) -> None:
    """Let each bot push over a connection of its own until the exporter is gone."""
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(bot.run(exporter, session, moments) for bot in bots))
