from __future__ import annotations

import statistics
from decimal import Decimal

import pytest

from simulator.engine.exchange import Exchange
from simulator.engine.fees import FeeSchedule
from simulator.engine.instruments import KNOWN
from simulator.engine.market import CHARACTERS, SyntheticMarket
from simulator.engine.orders import Event, Publication, Side
from simulator.server import running
from simulator.setup import DEFAULT_BALANCES
from tests.simulator.helpers import until


def play(symbol: str, seed: int, steps: int, name: str = "alpha") -> tuple[Exchange, list[Publication]]:
    """A synthetic market without a server: what it publishes in `steps` steps of 100 ms."""
    instrument = KNOWN[symbol]
    exchange = Exchange(name, [instrument], DEFAULT_BALANCES, FeeSchedule())
    market = SyntheticMarket(exchange, instrument, seed, CHARACTERS[symbol])
    published: list[Publication] = []
    exchange.listeners.append(lambda event: published.append(event) if isinstance(event, Publication) else None)
    for step in range(steps):
        market.before_publication(step * 100)
        exchange.publish(symbol, step * 100)
    return exchange, published


@pytest.mark.parametrize("symbol", list(CHARACTERS))
def test_the_same_seed_gives_the_same_market_and_another_one_another(symbol: str) -> None:
    """Books and trades follow from the seed, the exchange's name and the symbol alone."""
    first, second, other = (play(symbol, seed, 200) for seed in (3, 3, 4))
    assert first[1] == second[1] != other[1]
    assert list(first[0].tape[symbol]) == list(second[0].tape[symbol]) != list(other[0].tape[symbol])


def test_exchanges_of_one_seed_differ_but_stay_close() -> None:
    """The same symbol on two exchanges has another book each, around nearly the same price."""
    alpha, beta = (play("BTC/USDT", 3, 300, name)[1] for name in ("alpha", "beta"))
    mids = [(float(a.mid), float(b.mid)) for a, b in zip(alpha, beta, strict=False)]
    assert all(abs(a / b - 1) < 1e-3 for a, b in mids)
    assert sum(a != b for a, b in mids) > 100


@pytest.mark.parametrize("symbol", list(CHARACTERS))
def test_synthetic_markets_look_like_markets(symbol: str) -> None:
    """Over ten minutes: several levels of depth, a spread that varies but returns, clustered volatility, trades."""
    character, instrument = CHARACTERS[symbol], KNOWN[symbol]
    exchange, published = play(symbol, 5, 6000)
    assert all(p.best_bid[0] < p.best_ask[0] for p in published)
    assert all(
        price % instrument.tick == 0 and quantity % instrument.lot == 0 for p in published for price, quantity in p.bids
    )
    spreads = [float((p.best_ask[0] - p.best_bid[0]) / p.mid) * 1e4 for p in published]
    assert character.spread / 2 < statistics.mean(spreads) < character.spread * 2
    assert statistics.stdev(spreads) > character.spread / 20
    moves = [abs(float(b.mid / a.mid) - 1) for a, b in zip(published[::20], published[20::20], strict=False)]
    calm, wild = sorted(moves)[len(moves) // 2], max(moves)
    assert 0 < calm < 10e-4
    assert wild > 3 * calm
    tape = exchange.tape[symbol]
    assert {t.aggressor for t in tape} == {"buy", "sell"}
    assert 0.3 < len(tape) / 600 / character.trades < 4
    assert all(len(exchange.book(symbol).published(side)) >= 10 for side in Side)


async def published_by_a_server(count: int) -> list[object]:
    """What a fresh server publishes first."""
    published: list[object] = []

    def note(event: Event) -> None:
        if isinstance(event, Publication):
            published.append((event.symbol, event.first_update, event.bids, event.asks))

    async with running(seed=11, symbols=["ETH/USDT", "BNB/USDT"]) as simulator:
        simulator.venues["alpha"].exchange.listeners.append(note)
        await until(lambda: len(published) >= count)
    return published[:count]


async def test_a_served_market_publishes_the_same_books_at_any_pace() -> None:
    """Two servers with one seed publish the same sequence of diffs, whenever each step comes."""
    assert await published_by_a_server(12) == await published_by_a_server(12)


async def test_only_a_still_market_is_moved_by_hand() -> None:
    """A still market shows what it is told to; a synthetic one refuses."""
    async with running(still=True, symbols=["BTC/USDT"]) as simulator:
        simulator.quote("alpha", "BTC/USDT", "100", "101", "3")
        assert simulator.market("alpha")["BTC/USDT"]["mid"] == "100.5"
        assert simulator.venues["alpha"].exchange.book("BTC/USDT").best[Side.BUY] == (Decimal(100), Decimal(3))
    async with running(symbols=["BTC/USDT"]) as simulator:
        with pytest.raises(TypeError, match="moves by itself"):
            simulator.quote("alpha", "BTC/USDT", "100", "101")
