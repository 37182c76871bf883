"""What judging fills costs: as a fill arrives, and as the market moves on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal

from exporter.events import ONE
from exporter.journal.records import Valued
from exporter.ledger.currency import Rates
from exporter.ledger.instrument import instrument
from exporter.state.orders import OrdersState
from exporter.state.quality import Quality
from tests.bench.figure import Figure
from tests.builders import T0, fill

HORIZONS = (0.1, 1.0, 5.0, 30.0, 300.0)
FILLS = 200_000
ROUNDS = 100


def measure() -> Iterator[Figure]:
    """A burst of 100,000 fills and 50 mids a second, then a quiet market in which each fill has a mid of its own."""
    per_fill, per_advance, _ = _play(FILLS, 1e-5, 0.02)
    yield Figure("markouts: work at each fill of a burst", 1e6 * per_fill, "us", "1")
    yield Figure("markouts: work later for each fill of a burst", 1e6 * per_advance, "us", "")
    _, quiet, per_mid = _play(FILLS // 10, 0.01, 0.01)
    yield Figure("markouts: work later for each fill with a mid of its own", 1e6 * quiet, "us", "")
    yield Figure("markouts: work for each of these mids", 1e6 * per_mid, "us", "")


def _play(count: int, apart: float, mids_apart: float) -> tuple[float, float, float]:
    """Seconds for each fill as it comes, for each fill later, and the latter for each mid."""
    rates, spot = Rates({"USDT": Decimal(1)}), instrument("BTC/USDT")
    quality = Quality(rates, OrdersState(), HORIZONS, 10.0, 60.0)
    prices = [Decimal("60000.12") + number for number in range(7)]
    sides = ("buy", "sell", "buy")
    made = (
        fill(
            str(n), sides[n % 3], "1", "0.0123", T0 + n * apart, price=prices[n % 7], order_id=str(n), liquidity="maker"
        )
        for n in range(count)
    )
    fills = [Valued(each, Decimal("60000.5"), ONE, (ONE,)) for each in made]
    at, mids, taking, advancing = T0, 0, [], 0.0
    for first in range(0, count, count // ROUNDS):
        batch = fills[first : first + count // ROUNDS]
        while at < batch[-1].fill.ts:
            rates.observe("alpha", "BTC/USDT", at, 60_000.0 + mids % 11, at)
            at, mids = at + mids_apart, mids + 1
        began = time.thread_time()
        for each in batch:
            quality.judge(quality.book_of(each.fill, spot), each)
        taking.append(time.thread_time() - began)
        began = time.thread_time()
        for _ in quality.advance(batch[-1].fill.ts):
            pass
        advancing += time.thread_time() - began
    taking.sort()  # half of the rounds were not disturbed
    return taking[ROUNDS // 2] / (count // ROUNDS), advancing / count, advancing / max(mids, 1)
