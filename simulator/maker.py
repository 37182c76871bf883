"""A small two-sided market maker that trades on the simulator through ccxt.pro, as it would elsewhere."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import ccxt
import ccxt.pro

from simulator.dialects import ccxt_settings, dialect_of, name_of

log = logging.getLogger("simulator.maker")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
QUIET_SECONDS = 30.0
"""A book that says nothing for this long is asked for anew, over new connections."""
REST_SECONDS = 0.15
"""The shortest time between two looks at one symbol: a maker that follows every tick is throttled."""
TOLERANCE = 0.15
"""How far, as a share of the spread, a quote may be from where it should be before it is replaced."""
FULL_INVENTORY = 10
"""Orders' worth of base currency at which the quotes lean by half the spread."""
GOODBYE_SECONDS = 5.0
WORTH = {"BTC": 1.0, "ETH": 20.0, "BNB": 100.0}
"""How much of a base currency is about worth one BTC: ``size`` is given in BTC."""


@dataclass(frozen=True)
class MakerSetup:
    """What to quote where, the exchanges given as in `Setup`.

    ``size`` in BTC's worth of base currency, ``spread_bps`` between bid and ask.
    """

    base_url: str
    exchanges: Sequence[str]
    symbols: Sequence[str]
    spread_bps: float = 4.0
    size: float = 0.01
    seed: int = 1
    stop_when_replay_ends: bool = False
    key: str = "simulator"
    secret: str = "simulator/secret"  # noqa: S105 - the public default of a simulated account


async def make_markets(setup: MakerSetup) -> None:
    """Quote on every exchange until cancelled, or until the replay ends if that is asked for."""
    tasks = [asyncio.create_task(_exchange_task(setup, name)) for name in setup.exchanges]
    watched = [*tasks]
    if setup.stop_when_replay_ends:
        watched.append(asyncio.create_task(_replay_end(setup.base_url)))
    await _until_one_ends(watched)


async def _until_one_ends(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for the first task to end, end the others, and raise what it raised."""
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _replay_end(base_url: str) -> None:
    """Return when the simulator says that its replay has finished."""
    async with aiohttp.ClientSession() as session:
        while True:
            with suppress(aiohttp.ClientError, asyncio.TimeoutError, ValueError):
                async with session.get(f"{base_url}/control", timeout=aiohttp.ClientTimeout(total=5)) as answer:
                    status = await answer.json()
                    if status["replay"] == "finished":
                        log.info("the replay has ended")
                        return
            await asyncio.sleep(0.5)


async def _exchange_task(setup: MakerSetup, exchange: str) -> None:
    """Quote on one exchange; whatever it throws, start over after a pause that grows to ten seconds."""
    name, pause = name_of(exchange), FIRST_PAUSE
    while True:
        session = Session(setup, exchange)
        try:
            await session.run()
        except (ccxt.BaseError, TimeoutError, KeyError, TypeError) as error:
            # KeyError and TypeError: how ccxt fails on some answers that are not what they should be.
            log.warning("%s: %s: %s", name, type(error).__name__, str(error)[:200])
        finally:
            await session.close()
        pause = FIRST_PAUSE if session.quoted else min(pause * 2, LONGEST_PAUSE)
        log.info("%s: again in %.1f s", name, pause)
        await asyncio.sleep(pause)


@dataclass
class Quote:
    """An order of ours as last heard of."""

    id: str
    price: float
    remaining: float


@dataclass
class Side:
    """What rests on one side of one symbol."""

    name: str
    sign: int
    """-1 for bids, which stand below the mid; 1 for asks."""
    quote: Quote | None = None


@dataclass
class Symbol:
    """The state of one quoted symbol; ``inventory`` in base currency, relative to the start."""

    name: str
    size: float
    bid: Side = field(default_factory=lambda: Side("buy", -1))
    ask: Side = field(default_factory=lambda: Side("sell", 1))
    inventory: float = 0.0
    book: dict[str, Any] = field(default_factory=lambda: {"bids": [], "asks": []})
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the book, the inventory or one of our orders changed: reason to look at the quotes again."""

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both sides."""
        return self.bid, self.ask


class Session:
    """One set of connections to one exchange, from the first request to the first failure."""

    def __init__(self, setup: MakerSetup, exchange: str) -> None:
        self._setup = setup
        self._name = name_of(exchange)
        self._random = random.Random(f"{setup.seed}/{self._name}")  # noqa: S311 - varies sizes
        settings: dict[str, Any] = ccxt_settings(setup.base_url, exchange)
        kind = getattr(ccxt.pro, dialect_of(exchange).ccxt_id)
        self._ccxt = kind({**settings, "apiKey": setup.key, "secret": setup.secret, "timeout": 5000})
        self._symbols = {symbol: self._fresh(symbol) for symbol in setup.symbols}
        self._seen: set[tuple[str, str]] = set()
        self._ended: set[str] = set()
        self._began = 0
        """When this session began, in milliseconds by the exchange's clock."""
        self.quoted = False
        """Whether this session got as far as placing an order."""

    def _fresh(self, symbol: str) -> Symbol:
        base = symbol.partition("/")[0]
        return Symbol(symbol, self._setup.size * WORTH.get(base, 1.0))

    async def run(self) -> None:
        """Quote until something fails; raises what ccxt raises."""
        await self._ccxt.load_markets()
        self._began = await self._ccxt.fetch_time()
        for name in self._symbols:
            await self._cancel_all(name)
        tasks = [asyncio.create_task(self._follow_fills()), asyncio.create_task(self._follow_orders())]
        for symbol in self._symbols.values():
            tasks += [asyncio.create_task(self._follow_book(symbol)), asyncio.create_task(self._quote(symbol))]
        await _until_one_ends(tasks)

    async def close(self) -> None:
        """Cancel what rests, as far as the exchange lets us, and close all connections."""
        with suppress(ccxt.BaseError, TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                for symbol in self._symbols:
                    await self._cancel_all(symbol)
        with suppress(ccxt.BaseError):
            await self._ccxt.close()

    async def _cancel_all(self, symbol: str) -> None:
        with suppress(ccxt.OrderNotFound):
            await self._ccxt.cancel_all_orders(symbol)

    # -- what the exchange tells

    async def _follow_fills(self) -> None:
        while True:
            for trade in await self._ccxt.watch_my_trades():
                if (trade["symbol"], trade["id"]) not in self._seen:
                    self._seen.add((trade["symbol"], trade["id"]))
                    self._filled(trade)

    def _filled(self, trade: dict[str, Any]) -> None:
        symbol = self._symbols.get(trade["symbol"])
        # Some exchanges begin a stream with what was traded before.
        if symbol is not None and trade["timestamp"] >= self._began:
            symbol.inventory += trade["amount"] if trade["side"] == "buy" else -trade["amount"]
            symbol.changed.set()
            log.debug("%s: %s %s %s at %s", self._name, *(trade[k] for k in ("symbol", "side", "amount", "price")))

    async def _follow_orders(self) -> None:
        while True:
            for order in await self._ccxt.watch_orders():
                if order["status"] != "open":
                    self._ended.add(order["id"])
                for symbol in self._symbols.values():  # not all exchanges say which one an ended order was for
                    if any(_note(side, order) for side in symbol.sides) or symbol.name == order["symbol"]:
                        symbol.changed.set()

    # -- what we do about it

    async def _follow_book(self, symbol: Symbol) -> None:
        while True:
            async with asyncio.timeout(QUIET_SECONDS):
                symbol.book = await self._ccxt.watch_order_book(symbol.name)
            symbol.changed.set()

    async def _quote(self, symbol: Symbol) -> None:
        while True:
            await symbol.changed.wait()
            symbol.changed.clear()
            mid = _outside_mid(symbol)
            if mid is not None:
                await asyncio.gather(*(self._adjust(symbol, side, mid) for side in symbol.sides))
            await asyncio.sleep(REST_SECONDS)

    async def _adjust(self, symbol: Symbol, side: Side, mid: float) -> None:
        spread = mid * self._setup.spread_bps * 1e-4
        full = symbol.inventory / (FULL_INVENTORY * symbol.size)
        lean = max(-1.0, min(1.0, full)) * spread / 2
        wanted = mid - lean + side.sign * spread / 2
        quote = side.quote
        if quote is not None and abs(quote.price - wanted) <= TOLERANCE * spread:
            return
        if quote is not None:
            side.quote = None
            with suppress(ccxt.OrderNotFound):  # filled in the meantime
                await self._ccxt.cancel_order(quote.id, symbol.name)
        await self._place(symbol, side, wanted)

    async def _place(self, symbol: Symbol, side: Side, price: float) -> None:
        size = symbol.size * self._random.uniform(0.7, 1.3)
        try:
            order = await self._ccxt.create_order(symbol.name, "limit", side.name, size, price, {"postOnly": True})
        except (ccxt.OrderImmediatelyFillable, ccxt.InsufficientFunds) as error:
            log.debug("%s: %s: %s", self._name, symbol.name, error)
            return
        self.quoted = True
        # The stream may have told of the order's end before the answer to placing it came. Some answers say no
        # more than the order's id.
        if order["status"] in ("open", None) and order["id"] not in self._ended:
            remaining = size if order["remaining"] is None else order["remaining"]
            side.quote = Quote(order["id"], order["price"] or price, remaining)


def _note(side: Side, order: dict[str, Any]) -> bool:
    """Keep what is said of the order that rests on a side; returns whether it is that one."""
    if side.quote is None or side.quote.id != order["id"]:
        return False
    if order["remaining"] is not None:
        side.quote.remaining = order["remaining"]
    if order["status"] != "open":
        side.quote = None
    return True


def _outside_mid(symbol: Symbol) -> float | None:
    """Return the mid of the book without our own orders, or None when a side is only ours.

    With them, our lean would move the mid that we lean from.
    """
    best = []
    for side, levels in ((symbol.bid, symbol.book["bids"]), (symbol.ask, symbol.book["asks"])):
        quote = side.quote
        others = (p for p, q in levels if quote is None or p != quote.price or q > quote.remaining * 1.000001)
        best.append(next(others, None))
    bid, ask = best
    return None if bid is None or ask is None else (bid + ask) / 2
