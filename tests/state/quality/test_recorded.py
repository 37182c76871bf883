"""Recorded market data against an independent calculation in numpy, in whole milliseconds."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exporter.journal.records import Valued
from exporter.ledger.currency import Rates
from exporter.ledger.instrument import instrument
from exporter.state.orders import OrdersState
from exporter.state.quality import Quality
from tests.builders import fill, quote
from tests.state.quality.desk import HORIZONS, KEY

DATA = Path(__file__).parents[4] / "shared" / "data"
TRADES, QUOTES = DATA / "BTCUSDT-trades-2021-01-08.csv", DATA / "BTCUSDT-bookTicker-2021-01-08.csv"
recorded = pytest.mark.skipif(not TRADES.exists(), reason=f"recorded data is not at {DATA}")
np: Any = pytest.importorskip("numpy", reason="numpy is not installed")

Row = dict[str, str]


def rows(path: Path) -> list[Row]:
    with path.open() as file:
        return list(csv.DictReader(file))


def played(ticks: list[Row], trades: list[Row], liquidity: str) -> Quality:
    """All of it in the order of time, each trade ours as the aggressor, or as the one that was taken from."""
    rates, symbol = Rates({"USDT": Decimal(1)}), "BTC/USDT"
    quality, spot = Quality(rates, OrdersState(), HORIZONS, 10.0, 60.0), instrument(symbol)
    events = [(int(tick["transaction_time"]), 0, tick) for tick in ticks]
    events += [(int(trade["time"]), 1, trade) for trade in trades]
    for number, (ms, is_trade, row) in enumerate(sorted(events, key=lambda event: event[:2])):
        ts = ms / 1000
        if is_trade:
            aggressor_sold = row["is_buyer_maker"] == "True"
            side = "sell" if aggressor_sold == (liquidity == "taker") else "buy"
            made = fill(row["id"], side, row["price"], row["qty"], ts, liquidity=liquidity)
            history = rates.history("alpha", symbol)
            mid, exact = (history and history.at(ts)) or (Decimal(1), False)
            quality.judge(quality.book_of(made, spot), Valued(made, mid, Decimal(1), (), exact))
        else:
            bid, ask = float(row["best_bid_price"]), float(row["best_ask_price"])
            rates.observe("alpha", symbol, ts, (bid + ask) / 2, ts)
            quality.quote(quote(bid, ask, ts), ts)
        if number % 100 == 0:
            quality.integrate(ts)
            for _ in quality.advance(ts):
                pass
    for _ in quality.advance(ts):
        pass
    return quality


@recorded
@pytest.mark.parametrize("liquidity", ["maker", "taker"])
def test_spreads_and_markouts_are_those_of_an_independent_calculation(liquidity: str) -> None:
    """Effective and realised spread, price impact and markouts of 2,001 real trades at all horizons."""
    ticks, trades = rows(QUOTES), rows(TRADES)
    track = played(ticks, trades, liquidity).fills[KEY].tracks[liquidity]  # type: ignore[index]
    at = np.array([int(tick["transaction_time"]) for tick in ticks])
    mids = np.array([(float(tick["best_bid_price"]) + float(tick["best_ask_price"])) / 2 for tick in ticks])
    t = np.array([int(trade["time"]) for trade in trades])
    d = np.array([-1.0 if trade["is_buyer_maker"] == "True" else 1.0 for trade in trades])
    p = np.array([float(trade["price"]) for trade in trades])
    q = np.array([float(trade["qty"]) for trade in trades])
    known = t >= at[0]
    t, d, p, q = t[known], d[known], p[known], q[known]
    s = d if liquidity == "taker" else -d
    m = mids[np.searchsorted(at, t, side="right") - 1]
    volume = q * m
    assert len(t) > 1900
    assert track.effective_volume == pytest.approx(volume.sum())
    assert track.effective == pytest.approx((volume * 2 * d * (p - m) / m).sum())
    assert sum(track.ratios.counts) == len(t)
    for horizon in track.horizons:
        then = t + round(horizon.seconds * 1000)
        passed = then < at[-1]
        later = mids[np.searchsorted(at, then[passed], side="right") - 1]
        sp, dp, pp, qp, mp, vp = (each[passed] for each in (s, d, p, q, m, volume))
        assert horizon.volume == pytest.approx(vp.sum())
        assert horizon.markout == pytest.approx((sp * (later - pp) * qp).sum(), rel=1e-9)
        assert horizon.realized == pytest.approx((vp * 2 * dp * (pp - later) / mp).sum(), rel=1e-9)
        assert horizon.impact == pytest.approx((vp * 2 * dp * (later - mp) / mp).sum(), rel=1e-9)
        assert horizon.missing == 0
        assert track.pending(horizon) == len(t) - passed.sum()
    assert [bool(horizon.volume) for horizon in track.horizons] == [True, True, True, True, False]


@recorded
def test_the_quoted_spread_is_the_mean_over_time() -> None:
    """As if the best bid and ask of the market were our own quote."""
    ticks = rows(QUOTES)
    quality = played(ticks, [], "maker")
    quotes = quality.quotes[KEY]
    at = np.array([int(tick["transaction_time"]) for tick in ticks]) / 1000
    bid, ask = (np.array([float(tick[name]) for tick in ticks]) for name in ("best_bid_price", "best_ask_price"))
    quality.integrate(float(at[-1]))
    ratio = (ask - bid) / ((ask + bid) / 2)
    assert quotes.two_sided_seconds == pytest.approx(at[-1] - at[0])
    assert quotes.spread_seconds / quotes.two_sided_seconds == pytest.approx(
        np.average(ratio[:-1], weights=np.diff(at)), rel=1e-6
    )
