"""What reported events come to, in exact fractions.

Slow and obvious on purpose, and without a line of the exporter: the events are those that a bot reported, as
plain JSON objects. A position is kept at average cost by closing first and opening with the rest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

Event = Mapping[str, Any]
Key = tuple[str, str, str, str]
"""Exchange, account, symbol and strategy."""

ZERO = Fraction(0)


class Prices:
    """What markets told over time, and what a unit of a currency was worth then; ``pegs`` are USD a unit."""

    def __init__(self, books: Iterable[Event], pegs: Mapping[str, str | int]) -> None:
        self._pegs = {currency: Fraction(worth) for currency, worth in {"USD": 1, **pegs}.items()}
        found: defaultdict[tuple[str, str], dict[float, Fraction]] = defaultdict(dict)
        for book in books:
            mid = (Fraction(book["bid"]) + Fraction(book["ask"])) / 2
            found[book["exchange"], book["symbol"]][book["ts"]] = mid
        self._mids = {market: sorted(mids.items()) for market, mids in found.items()}
        self._times = {market: [ts for ts, _ in mids] for market, mids in self._mids.items()}

    def mid(self, exchange: str, symbol: str, ts: float) -> Fraction:
        """The mid that stood at a time."""
        market = exchange, symbol
        return self._mids[market][bisect_right(self._times[market], ts) - 1][1]

    def usd(self, exchange: str, currency: str, ts: float) -> Fraction:
        """USD for one unit at a time."""
        peg = self._pegs.get(currency)
        return self.mid(exchange, f"{currency}/USDT", ts) * self._pegs["USDT"] if peg is None else peg


@dataclass
class Result:
    """What one book comes to; money in USD, ``position`` in the base currency."""

    fills: Counter[tuple[str, str]] = field(default_factory=Counter)  # by side and liquidity
    position: Fraction = ZERO
    realized: Fraction = ZERO
    unrealized: Fraction = ZERO
    fees: Fraction = ZERO
    rebates: Fraction = ZERO
    funding: Fraction = ZERO
    spread: Fraction = ZERO
    inventory: Fraction = ZERO
    currency: Fraction = ZERO

    @property
    def total(self) -> Fraction:
        return self.realized + self.unrealized - self.fees + self.rebates + self.funding


@dataclass
class Held:
    """Units and what they cost."""

    quantity: Fraction = ZERO
    cost: Fraction = ZERO

    def trade(self, quantity: Fraction, price: Fraction) -> Fraction:
        """Add signed units; what that realised."""
        realized = ZERO
        if self.quantity * quantity < 0:
            average = self.cost / self.quantity
            closed = min(abs(quantity), abs(self.quantity)) * (1 if quantity > 0 else -1)
            realized = -closed * (price - average)
            self.quantity += closed
            self.cost = self.quantity * average
            quantity -= closed
        self.quantity += quantity
        self.cost += quantity * price
        return realized


def results(events: Iterable[Event], prices: Prices, now: float) -> dict[Key, Result]:
    """What fills and funding come to, by book, at the prices of ``now``."""
    by_book: defaultdict[Key, list[Event]] = defaultdict(list)
    for event in events:
        if event["type"] in ("fill", "funding"):
            by_book[event["exchange"], event["account"], event["symbol"], event["strategy"]].append(event)
    return {key: _result(key, of_book, prices, now) for key, of_book in by_book.items()}


def transfers(events: Iterable[Event], prices: Prices) -> dict[tuple[str, str], Fraction]:
    """Deposits less withdrawals of each account in USD at the time of each."""
    sums: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for event in events:
        if event["type"] == "transfer":
            worth = prices.usd(event["exchange"], event["currency"], event["ts"])
            sums[event["exchange"], event["account"]] += Fraction(event["amount"]) * worth
    return sums


def fees_of(fill: Event) -> list[Event]:
    """The fees of a fill, however they are written."""
    fee = fill.get("fee")
    return [] if fee is None else fee if isinstance(fee, list) else [fee]


def _result(key: Key, events: Iterable[Event], prices: Prices, now: float) -> Result:
    exchange, _, symbol, _ = key
    base, _, rest = symbol.partition("/")
    quote, _, settle = rest.partition(":")
    settle = settle or quote
    spot, inverse = ":" not in symbol, settle == base

    def worth(price: Fraction) -> Fraction:
        return -1 / price if inverse else price

    result, held, mid, rate = Result(), Held(), ZERO, ZERO

    def mark(new_mid: Fraction, new_rate: Fraction) -> None:
        """What the position and the open result gained since the last mark."""
        nonlocal mid, rate
        if held.quantity:
            result.inventory += held.quantity * (new_mid - mid) * new_rate
            result.currency += (held.quantity * mid - held.cost) * (new_rate - rate)
        mid, rate = new_mid, new_rate

    for event in sorted(events, key=_place):
        ts = event["ts"]
        if event["type"] == "funding":
            result.funding += Fraction(event["amount"]) * prices.usd(exchange, event["currency"], ts)
            continue
        mark(worth(prices.mid(exchange, symbol, ts)), prices.usd(exchange, settle, ts))
        units = Fraction(event["quantity"]) * Fraction(event.get("contract_size", "1"))
        signed = units if event["side"] == "buy" else -units
        price = worth(Fraction(event["price"]))
        result.fills[event["side"], event["liquidity"]] += 1
        result.spread += signed * (mid - price) * rate
        result.realized += held.trade(signed, price) * rate
        for fee in fees_of(event):
            amount = Fraction(fee["amount"])
            paid = amount * prices.usd(exchange, fee["currency"], ts)
            result.fees += max(paid, ZERO)
            result.rebates += max(-paid, ZERO)
            if spot and fee["currency"] == base:  # taken out of the coins themselves, at the mid
                result.realized += held.trade(-amount, mid) * rate
    if held.quantity:
        mark(worth(prices.mid(exchange, symbol, now)), prices.usd(exchange, settle, now))
        result.unrealized = (held.quantity * mid - held.cost) * rate
    result.position = -held.cost if inverse else held.quantity
    return result


def _place(event: Event) -> tuple[float, int, str]:
    """Fills stand in the order of their times, and of their ids within one."""
    name = event.get("trade_id", "")
    return event["ts"], len(name), name


def figures(book: Result) -> Iterator[tuple[str, dict[str, str], Fraction]]:
    """The samples of a book: family, labels beside those of the book, value."""
    for side in ("buy", "sell"):
        for liquidity in ("maker", "taker", "unknown"):
            yield "fills_total", {"side": side, "liquidity": liquidity}, Fraction(book.fills[side, liquidity])
    yield "position_base", {}, book.position
    yield "pnl_realized_usd", {}, book.realized
    yield "pnl_unrealized_usd", {}, book.unrealized
    yield "pnl_total_usd", {}, book.total
    yield "fees_usd_total", {}, book.fees
    yield "rebates_usd_total", {}, book.rebates
    yield "funding_usd", {}, book.funding
    yield "pnl_attribution_error_usd", {}, ZERO
    parts = {name: getattr(book, name) for name in ("spread", "inventory", "currency", "rebates", "funding")}
    for part, value in {**parts, "fees": -book.fees}.items():
        yield "pnl_attribution_usd", {"component": part}, value
