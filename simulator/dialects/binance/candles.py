"""Candles (klines): what was traded in each interval of time, from the tape as far as that goes back.

An interval without a trade is flat at the price before it; those before the first trade stand at its price, so
that a client that wants history finds as much as it asks for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from simulator.engine.instruments import text
from simulator.engine.orders import ZERO, Side, TradePrinted

_SECOND = 1000
INTERVALS = {
    **{f"{n}m": n * 60 * _SECOND for n in (1, 3, 5, 15, 30)},
    **{f"{n}h": n * 3600 * _SECOND for n in (1, 2, 4, 6, 8, 12)},
    **{f"{n}d": n * 86_400 * _SECOND for n in (1, 3)},
    "1s": _SECOND,
    "1w": 7 * 86_400 * _SECOND,
}
"""Length of each interval in milliseconds."""


def candles(tape: Iterable[TradePrinted], price: Decimal, width: int, first: int, last: int) -> list[list[object]]:
    """Return a row for each interval of ``width`` from that of time ``first`` to that of ``last``, all in ms.

    ``price`` stands in where nothing was traded at all.
    """
    traded: defaultdict[int, list[TradePrinted]] = defaultdict(list)
    for trade in tape:
        traded[trade.time - trade.time % width].append(trade)
    start = first - first % width
    before = [time for time in traded if time < start]
    if traded:
        price = traded[max(before)][-1].price if before else traded[min(traded)][0].price
    rows = []
    for opened in range(start, last + 1, width):
        rows.append(_row(opened, width, price, traded.get(opened, [])))
        price = traded[opened][-1].price if opened in traded else price
    return rows


def _row(opened: int, width: int, price: Decimal, trades: list[TradePrinted]) -> list[object]:
    prices = [trade.price for trade in trades] or [price]
    bought = [trade for trade in trades if trade.aggressor is Side.BUY]
    return [
        opened,
        *(text(value) for value in (prices[0], max(prices), min(prices), prices[-1])),
        text(_volume(trades)),
        opened + width - 1,
        text(_worth(trades)),
        len(trades),
        text(_volume(bought)),
        text(_worth(bought)),
        "0",
    ]


def _volume(trades: list[TradePrinted]) -> Decimal:
    return sum((trade.quantity for trade in trades), ZERO)


def _worth(trades: list[TradePrinted]) -> Decimal:
    return sum((trade.quantity * trade.price for trade in trades), ZERO)
