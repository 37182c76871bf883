"""Where the outside book and the trades of others come from: the interface, and the synthetic markets."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from simulator.engine.exchange import Exchange
from simulator.engine.instruments import Instrument
from simulator.engine.orders import Side

STEP_MS = 100
"""Time between two steps of a synthetic market, and between two publications of a book."""


class Market(Protocol):
    """Feeds one symbol of one exchange."""

    @property
    def state(self) -> str:
        """One of ``none`` (no replay), ``waiting``, ``running`` or ``finished``."""

    def advance(self, now: int) -> None:
        """Apply what is due at wall time ``now`` (ms); called every few milliseconds."""

    def before_publication(self, now: int) -> None:
        """Make one step: called right before each publication."""


@dataclass(frozen=True, slots=True)
class Character:
    """How a synthetic market behaves.

    ``start`` is its first mid; ``volatility`` the usual standard deviation of the mid over one second and
    ``spread`` the usual distance of best ask and best bid, both in basis points; ``trades`` how many trades
    a second are usual, of the median size ``size`` in base currency; ``depth`` the usual quantity of a level.
    """

    start: float
    volatility: float
    spread: float
    trades: float
    size: float
    depth: float


CHARACTERS: dict[str, Character] = {
    "BTC/USDT": Character(64_000.0, 1.0, 5.0, 1.6, 0.008, 0.4),
    "ETH/USDT": Character(3_100.0, 1.3, 6.0, 1.2, 0.12, 6.0),
    "BNB/USDT": Character(580.0, 1.2, 7.0, 0.6, 0.6, 25.0),
}
LEVELS = 12
CALM = 0.04
"""How fast volatility and spread return to their usual level: share per step."""


class Walk:
    """A mid price whose volatility comes in clusters, in steps of `STEP_MS`. Deterministic for its seed."""

    def __init__(self, seed: str, character: Character) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a market to look at, not a secret
        self._usual = character.volatility * 1e-4 * math.sqrt(STEP_MS / 1000)
        self._log_mid = math.log(character.start)
        self._heat = 0.0

    @property
    def mid(self) -> float:
        """The present mid, in quote currency."""
        return math.exp(self._log_mid)

    @property
    def heat(self) -> float:
        """How excited the market is: 1 is usual, 2 twice as volatile."""
        return math.exp(self._heat)

    def step(self) -> None:
        """Move on by one step."""
        shock = self._random.gauss(0, 1)
        # A large move of either sign raises the volatility of the steps after it.
        self._heat += -CALM * self._heat + 0.06 * (abs(shock) - math.sqrt(2 / math.pi))
        self._log_mid += self._usual * self.heat * shock


class SyntheticMarket:
    """A plausible market: mean-reverting spread, clustered volatility, depth, and trades that come in bursts.

    Exchanges that share ``seed`` share the walk of the price, and differ by a small deviation of their own.
    The path depends on ``seed``, exchange and symbol only: never on orders, nor on the wall clock.
    """

    state = "none"

    def __init__(self, exchange: Exchange, instrument: Instrument, seed: int, character: Character) -> None:
        self._exchange = exchange
        self._instrument = instrument
        self._character = character
        self._tick = float(instrument.tick)
        self._walk = Walk(f"{seed}/{instrument.symbol}", character)
        own_seed = f"{seed}/{instrument.symbol}/{exchange.name}"
        self._random = random.Random(own_seed)  # noqa: S311 - as above
        self._deviation = 0.0
        self._log_spread = 0.0
        self._grid = max(1, round(character.start * character.spread * 1e-4 / 4 / self._tick))
        self._levels: dict[Side, dict[int, Decimal]] = {Side.BUY: {}, Side.SELL: {}}
        self._quote()
        exchange.set_market(instrument.symbol, self.levels(Side.BUY), self.levels(Side.SELL), 0)

    def advance(self, now: int) -> None:
        """Do nothing: a synthetic market moves when it publishes."""

    def before_publication(self, now: int) -> None:
        """Trade, then move the quote."""
        self._walk.step()
        symbol = self._instrument.symbol
        for aggressor, quantity in self._trades():
            self._exchange.market_order(symbol, aggressor, quantity, now)
        moved = self._random.random() < 0.7  # a quote that stands still now and then
        if moved:
            self._quote()
        if moved or self._exchange.book(symbol).consumed:
            self._exchange.set_market(symbol, self.levels(Side.BUY), self.levels(Side.SELL), now)

    def levels(self, side: Side) -> dict[Decimal, Decimal]:
        """Return the market's own levels of ``side``: price to quantity."""
        tick = self._instrument.tick
        return {ticks * tick: quantity for ticks, quantity in self._levels[side].items()}

    def _trades(self) -> list[tuple[Side, Decimal]]:
        expected = self._character.trades * STEP_MS / 1000 * self._walk.heat**2
        trades = []
        while self._random.random() < expected:
            expected /= 2
            aggressor = Side.BUY if self._random.random() < 0.5 else Side.SELL
            size = self._character.size * math.exp(self._random.gauss(0, 1.1))
            trades.append((aggressor, self._whole(size)))
        return trades

    def _quote(self) -> None:
        noise = self._random.gauss
        self._deviation += -0.05 * self._deviation + noise(0, 0.1e-4)
        self._log_spread += -CALM * self._log_spread + noise(0, 0.08)
        # Makers ask for more when the market moves more.
        spread = self._character.spread * 1e-4 * math.exp(self._log_spread) * math.sqrt(self._walk.heat)
        mid = self._walk.mid * (1 + self._deviation)
        half = mid * spread / 2
        bid = math.floor((mid - half) / self._tick)
        ask = max(bid + 1, math.ceil((mid + half) / self._tick))
        self._refresh(Side.BUY, bid)
        self._refresh(Side.SELL, ask)

    def _refresh(self, side: Side, best: int) -> None:
        """Keep the levels that still stand behind ``best`` (in ticks), and draw the missing ones."""
        away = -1 if side is Side.BUY else 1
        before = self._levels[side]
        grid = best // self._grid + (0 if side is Side.BUY else 1)
        if grid * self._grid == best:
            grid += away
        wanted = [best, *((grid + away * n) * self._grid for n in range(LEVELS - 1))]
        after = {ticks: before.get(ticks) or self._depth(n) for n, ticks in enumerate(wanted)}
        changed = self._random.choice(wanted)
        after[changed] = self._depth(wanted.index(changed))
        self._levels[side] = after

    def _depth(self, n: int) -> Decimal:
        usual = self._character.depth * (0.25 + 0.25 * n)
        return self._whole(usual * math.exp(self._random.gauss(0, 0.6)))

    def _whole(self, quantity: float) -> Decimal:
        """``quantity`` of the base currency in what is traded here, at least a lot."""
        price = Decimal(repr(self._character.start))
        return max(self._instrument.lot, self._instrument.units(Decimal(repr(quantity)), price))


class StillMarket:
    """A market that only moves when it is told to: for tests that need to know every number."""

    state = "none"

    def __init__(self, exchange: Exchange, symbol: str, start: Decimal, spread: Decimal, depth: Decimal) -> None:
        self._exchange = exchange
        self._symbol = symbol
        half = spread / 2
        self._bids: Mapping[Decimal, Decimal] = {start - half: depth}
        self._asks: Mapping[Decimal, Decimal] = {start + half: depth}
        exchange.set_market(symbol, self._bids, self._asks, 0)

    def quote(self, bids: Mapping[Decimal, Decimal], asks: Mapping[Decimal, Decimal], now: int) -> None:
        """Move the outside book to these levels (price to quantity)."""
        self._bids, self._asks = bids, asks
        self._exchange.set_market(self._symbol, bids, asks, now)

    def advance(self, now: int) -> None:
        """Do nothing."""

    def before_publication(self, now: int) -> None:
        """Restore what was taken from the levels."""
        if self._exchange.book(self._symbol).consumed:
            self._exchange.set_market(self._symbol, self._bids, self._asks, now)
