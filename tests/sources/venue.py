"""Exchanges on loopback that know a few questions, for the real ccxt client to ask: what it sends is what is tested."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from exporter.config import Exchange
from exporter.events import BookKey
from exporter.intake import Intake
from exporter.sources.ccxt import client as instrumented
from exporter.sources.ccxt.account import AccountReader
from exporter.sources.ccxt.history import Fills, Orders
from exporter.sources.ccxt.link import Link
from exporter.state.state import State
from tests.builders import T0, config

HOUR, DAY = 3_600_000, 86_400_000  # milliseconds
NOW = int(T0 * 1000)
Query = Mapping[str, str]


@dataclass
class Venue:
    """An exchange's record, and what it was asked: `answer` gives the body for a path and a query."""

    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def answer(self, path: str, query: Query) -> Any:
        """The exchange's answer by its documented rules."""
        raise NotImplementedError

    def questions(self, path: str) -> list[dict[str, str]]:
        """The queries of all requests for a path."""
        return [query for asked, query in self.asked if asked == path]

    async def handle(self, request: web.Request) -> web.Response:
        """Note what is asked, and answer."""
        self.asked.append((request.path, dict(request.query)))
        return web.json_response(self.answer(request.path, request.query))


@dataclass
class Watcher:
    """The parts of a source that read an account's record, on a clock that stands still."""

    link: Link
    state: State

    @property
    def key(self) -> tuple[str, str]:
        return self.link.config.name, self.link.config.account

    async def fills(self, symbol: str) -> int:
        """Read the fills of a symbol, as at the start and once more; how many are in the books."""
        reader = Fills(self.link, symbol, streamed=True)
        await reader._read(after_gap=False)
        await reader._read(after_gap=False)
        return sum(split.count for book in self.state.ledger.books.values() for split in book.sums.splits.values())

    async def records(self) -> None:
        """Read all records of money that moved, twice."""
        for _ in range(2):
            for history in AccountReader(self.link, self.link.config.symbols, [])._histories:
                await history.read()

    async def positions(self) -> dict[str, str] | None:
        """The positions that are reported; None where they could not be asked for."""
        reader = AccountReader(self.link, self.link.config.symbols, [])
        reports = await reader._positions.ask(reader._reported)
        return None if reports is None else {report.symbol: str(report.quantity) for report in reports}

    def orders(self, symbol: str) -> Orders:
        """The reader of a symbol's orders."""
        return Orders(self.link, symbol, streamed=True)

    def resting(self, symbol: str) -> int:
        """How many orders are believed to rest."""
        return len(self.state.orders.books[BookKey(*self.key, symbol, self.link.config.strategy)].open)

    def canceled(self, symbol: str) -> int:
        """How many orders are believed to be canceled."""
        counts = self.state.orders.books[BookKey(*self.key, symbol, self.link.config.strategy)]
        return sum(counts.canceled.values())

    def trouble(self) -> dict[str, str]:
        """What is said of the parts that do not work."""
        return {name: each.detail for name, each in self.state.components.items() if not each.up}


@asynccontextmanager
async def watching(
    venue: Venue, exchange: str, markets: list[dict[str, Any]], urls: dict[str, Any], hours: float = 24.0
) -> AsyncIterator[Watcher]:
    """Whoever watches the account on that exchange through ccxt, until the block ends.

    ``urls`` are ccxt's, of which ``{}`` becomes the address that the exchange has here.
    """
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", venue.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = "http://{}:{}".format(*runner.addresses[0][:2])
    settings = {
        **dict.fromkeys(("apiKey", "secret", "password"), "a-key-for-tests"),
        "enableRateLimit": False,
        "urls": {"api": {name: url.format(address) for name, url in urls.items()}},
    }
    symbols = [market["symbol"] for market in markets]
    account = Exchange(name="alpha", id=exchange, symbols=symbols, backfill_hours=hours, ccxt=settings)
    state = State(config(), clock=lambda: T0)
    link = Link(account, state, Intake(state))
    link.client.set_markets(markets)
    try:
        yield Watcher(link, state)
    finally:
        await instrumented.close(link.client)
        await runner.cleanup()


def market(symbol: str, identifier: str) -> dict[str, Any]:
    """A market as ccxt has it after it loaded them."""
    pair, _, settle = symbol.partition(":")
    base, _, quote = pair.partition("/")
    is_contract, is_inverse = bool(settle), settle == base
    return {
        **{"id": identifier, "symbol": symbol, "active": True, "info": {}, "limits": {}, "precision": {}},
        **{"base": base, "quote": quote, "settle": settle or None},
        **{"baseId": base, "quoteId": quote, "settleId": settle or None},
        **{"type": "swap" if is_contract else "spot", "spot": not is_contract, "swap": is_contract},
        **{"contract": is_contract, "contractSize": 1 if is_contract else None, "future": False, "option": False},
        "margin": False,
        **{"linear": is_contract and not is_inverse, "inverse": is_inverse},
    }
