"""The simulator as a whole: builds the exchanges, serves them on one port and lets their markets run."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import msgspec
from aiohttp import web

from simulator.dialects import ccxt_settings, dialect_of, name_of
from simulator.engine.exchange import Exchange
from simulator.engine.instruments import Instrument, text
from simulator.engine.market import CHARACTERS, STEP_MS, Character, Market, StillMarket, SyntheticMarket
from simulator.engine.money import MovementKind
from simulator.engine.orders import Side
from simulator.engine.replay import ReplayMarket
from simulator.engine.statistics import Statistics
from simulator.fill_log import FillLog, fill_record
from simulator.setup import OTHER_BALANCE, Setup, check_exchanges, instruments_of, recording_of
from simulator.web.control import Control
from simulator.web.dialect import Speaker
from simulator.web.faults import AnyFault, Disconnect, Down, Faults
from simulator.web.gateway import Gateway
from simulator.web.hub import Hub
from simulator.web.venue import Venue

IDS_PER_MS = 1000
"""Ids begin with the time of the start, and no exchange has so many events: whoever remembers those of before a
restart takes nothing new for a repeat. They stay within what JSON's numbers can tell apart."""
TURN_SECONDS = 0.02
"""How often recorded rows that are due are played."""


def wall_clock() -> int:
    """Return the time in milliseconds."""
    return time.time_ns() // 1_000_000


class Simulator:
    """All exchanges of one process. Build, `start`, use `base_url`, `stop`."""

    def __init__(self, setup: Setup, now: Callable[[], int] = wall_clock) -> None:
        self.setup = setup
        self.base_url = ""
        self.venues: dict[str, Venue] = {}
        self._now = now
        self._logs: list[FillLog] = []
        self.speakers: dict[str, Speaker] = {}
        check_exchanges(setup)
        self._given = {name_of(exchange): exchange for exchange in setup.exchanges}
        self._instruments = instruments_of(setup)
        self._recorded = recording_of(setup, self._instruments)
        self._tasks: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner | None = None
        for name, exchange in self._given.items():
            self._build(name, exchange)

    def _build(self, name: str, given: str) -> None:
        setup, now, dialect = self.setup, self._now(), dialect_of(given)
        instruments = dialect.listed(self._instruments)
        balances = {asset: OTHER_BALANCE for i in instruments for asset in (i.base, i.quote)}
        faults = Faults(f"{setup.seed}/{name}", time.monotonic)
        balances |= dict(setup.balances)
        exchange = Exchange(name, instruments, balances, setup.fees_of(given), faults.skew, ids_after=now * IDS_PER_MS)
        venue = Venue(
            exchange=exchange,
            markets={},
            statistics=Statistics(exchange, now),
            faults=faults,
            hub=Hub(faults, f"/{name}{dialect.private_route}"),
            credentials=setup.credentials,
            now=self._now,
            request_limit=setup.request_limit,
        )
        speaker = dialect.speaker(venue)
        exchange.listeners += [venue.statistics.hear, speaker.hear]
        if setup.log_dir is not None:
            self._logs.append(FillLog(setup.log_dir, name))
            exchange.listeners.append(self._logs[-1].hear)
        venue.markets.update({i.symbol: self._market(exchange, i) for i in instruments})
        self.venues[name], self.speakers[name] = venue, speaker
        for symbol in venue.markets:
            exchange.publish(symbol, now)

    def _market(self, exchange: Exchange, instrument: Instrument) -> Market:
        setup, symbol = self.setup, instrument.symbol
        if setup.replay is not None and symbol == setup.replay.symbol:
            return ReplayMarket(exchange, symbol, self._recorded, setup.replay.speed)
        character = CHARACTERS[f"{instrument.base}/USDT" if instrument.is_contract else symbol]
        if setup.still:
            return _still(exchange, instrument, character)
        return SyntheticMarket(exchange, instrument, setup.seed, character)

    # -- running

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen (port 0: a free one) and let the markets run; raises OSError when the port is taken."""
        app = web.Application()
        app.add_routes(Control(self).routes())
        app.add_routes(Gateway(self.venues, self.speakers).routes())
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        try:
            await site.start()
        except OSError:
            await self.stop()
            raise
        bound = self._runner.addresses[0]
        self.base_url = f"http://{bound[0]}:{bound[1]}"
        if self.setup.replay is not None and not self.setup.replay.wait:
            self.start_replay()
        self._tasks = [asyncio.create_task(self._publishing())]
        if self.setup.replay is not None:
            self._tasks.append(asyncio.create_task(self._playing()))

    async def stop(self) -> None:
        """Stop the markets, end all connections and close the logs.

        Raises what a market raised, if one failed while it ran.
        """
        for task in self._tasks:
            task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        for venue in self.venues.values():
            venue.closing.set()
            venue.hub.close()
            venue.hub.drop(None)
        if self._runner is not None:
            await self._runner.cleanup()
        for log in self._logs:
            log.close()
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    async def failed(self) -> None:
        """Wait until a market fails (it should not) and raise what it raised."""
        await asyncio.gather(*self._tasks)

    async def _publishing(self) -> None:
        loop = asyncio.get_running_loop()
        due, steps = loop.time(), 0
        while True:
            for venue in self.venues.values():
                self._publish(venue, with_tickers=steps % (1000 // STEP_MS) == 0)
                await asyncio.sleep(0)  # a request need not wait for all exchanges
            steps += 1
            # A late step is not made up for: one step, one publication.
            due = max(due + STEP_MS / 1000, loop.time())
            await asyncio.sleep(due - loop.time())

    def _publish(self, venue: Venue, *, with_tickers: bool) -> None:
        for symbol, market in venue.markets.items():
            now = self._now()
            market.advance(now)
            market.before_publication(now)
            venue.exchange.publish(symbol, now)
        if with_tickers:
            self.speakers[venue.name].each_second(self._now() + venue.faults.skew())

    async def _playing(self) -> None:
        while True:
            for venue in self.venues.values():
                for market in venue.markets.values():
                    market.advance(self._now())
            await asyncio.sleep(TURN_SECONDS)

    # -- control

    def status(self) -> dict[str, object]:
        """Return the state of all exchanges."""
        exchanges = {
            name: {
                "symbols": list(venue.markets),
                "mids": {s: text(p.mid) for s, p in venue.exchange.publications.items()},
                "replay": self._replay_state(venue),
                "fills": len(venue.exchange.fills),
                "open_orders": len(venue.exchange.open_orders()),
                "faults": venue.faults.listing(),
            }
            for name, venue in self.venues.items()
        }
        return {"replay": self.replay_state(), "exchanges": exchanges}

    def _replay_state(self, venue: Venue) -> str:
        states = {market.state for market in venue.markets.values()} - {"none"}
        return states.pop() if states else "none"

    def replay_state(self) -> str:
        """Return ``none``, ``waiting``, ``running`` (on any exchange) or ``finished``."""
        states = {self._replay_state(venue) for venue in self.venues.values()}
        return next((s for s in ("running", "waiting", "finished") if s in states), "none")

    def start_replay(self) -> None:
        """Let a replay that waits begin now."""
        for venue in self.venues.values():
            for market in venue.markets.values():
                if isinstance(market, ReplayMarket):
                    market.start(self._now())

    def add_fault(self, exchange: str, fault: AnyFault) -> int:
        """Activate a fault on one exchange and return its id."""
        venue = self.venues[exchange]
        number = venue.faults.add(fault)
        if isinstance(fault, Down):
            venue.hub.drop(fault.route)
        elif isinstance(fault, Disconnect) and fault.flavour == "sockets":
            venue.hub.drop(fault.route)
            venue.faults.spend(number)
        return number

    def fault(self, exchange: str, kind: str, **fields: object) -> int:
        """Activate a fault by its kind and fields, as POST /control/{exchange}/faults does; returns its id."""
        return self.add_fault(exchange, msgspec.convert({"kind": kind, **fields}, AnyFault))

    def clear_faults(self, exchange: str) -> None:
        """End all faults of one exchange."""
        self.venues[exchange].faults.clear()

    def trade(self, exchange: str, symbol: str, side: Side, quantity: Decimal) -> Decimal:
        """Let a third party take ``quantity`` from the book; returns what found nothing to trade with."""
        return self.venues[exchange].exchange.market_order(symbol, side, quantity, self._now())

    def move(  # noqa: PLR0913 - what moved, and how far it has come
        self, exchange: str, kind: str, asset: str, amount: str, *, fee: str = "0", is_done: bool = True
    ) -> int:
        """Let money come (positive) or go other than by trading; returns the number by which `finish` knows it.

        ``kind`` is deposit, withdrawal or transfer. Raises ValueError when the account has not enough.
        """
        venue, how = self.venues[exchange].exchange, MovementKind(kind)
        return venue.move(how, asset, Decimal(amount), self._now(), fee=Decimal(fee), is_done=is_done).id

    def finish(self, exchange: str, number: int) -> None:
        """Let money arrive that was under way; raises LookupError when there is none of this number."""
        self.venues[exchange].exchange.finish(number, self._now())

    def fund(self, exchange: str, symbol: str, rate: str) -> Decimal:
        """Pay funding at a rate on the position in a contract; returns what was received (negative: paid)."""
        paid = self.venues[exchange].exchange.fund(symbol, Decimal(rate), self._now())
        return paid.amount if paid else Decimal(0)

    def quote(self, exchange: str, symbol: str, bid: str, ask: str, quantity: str = "5") -> None:
        """Move a still market to one level of ``quantity`` on each side, at once, and publish it."""
        market = self.venues[exchange].markets[symbol]
        if not isinstance(market, StillMarket):
            msg = f"{symbol} moves by itself; only a still market is moved by hand"
            raise TypeError(msg)
        bids, asks = ({Decimal(price): Decimal(quantity)} for price in (bid, ask))
        market.quote(bids, asks, self._now())
        self.venues[exchange].exchange.publish(symbol, self._now())

    def market(self, exchange: str) -> dict[str, dict[str, object]]:
        """Return the last published best prices of each symbol."""
        return {
            symbol: {
                "bid": text(p.best_bid[0]),
                "ask": text(p.best_ask[0]),
                "mid": text(p.mid),
                "time": p.time,
            }
            for symbol, p in self.venues[exchange].exchange.publications.items()
        }

    def fills(self, exchange: str) -> list[dict[str, object]]:
        """Return the log of fills of one exchange."""
        return [fill_record(exchange, fill) for fill in self.venues[exchange].exchange.fills]

    def ccxt_config(self, exchange: str) -> dict[str, object]:
        """Return a complete constructor config for ccxt's class of the exchange's dialect, keys included."""
        keys = {"apiKey": self.setup.credentials.key, "secret": self.setup.credentials.secret}
        return {**ccxt_settings(self.base_url, self._given[exchange]), **keys}

    def ccxt_id(self, exchange: str) -> str:
        """Return the name of ccxt's class for one exchange."""
        return dialect_of(self._given[exchange]).ccxt_id


def _still(exchange: Exchange, instrument: Instrument, character: Character) -> StillMarket:
    start = Decimal(repr(character.start))
    spread = instrument.price(start * Decimal(repr(character.spread)) / 20000) * 2
    depth = instrument.units(Decimal(repr(character.depth * 5)), start)
    return StillMarket(exchange, instrument.symbol, instrument.price(start), spread, depth)


@asynccontextmanager
async def running(setup: Setup | None = None, **changes: Any) -> AsyncIterator[Simulator]:
    """Run a simulator in this process on a free loopback port, for as long as the block lasts.

    ``changes`` are fields of `Setup`: ``async with running(exchanges=["alpha"], still=True) as simulator``.
    """
    simulator = Simulator(dataclasses.replace(setup or Setup(), **changes))
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()
