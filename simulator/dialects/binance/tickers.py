"""Tickers: the statistics of a symbol in Binance's shapes."""

from __future__ import annotations

from simulator.engine.instruments import Instrument, text
from simulator.engine.orders import Publication
from simulator.engine.statistics import Totals
from simulator.web.dialect import Json


def mini(instrument: Instrument, totals: Totals, now: int) -> Json:
    """Return the message of the ``miniTicker`` stream."""
    return {
        "e": "24hrMiniTicker",
        "E": now,
        "s": instrument.market_id,
        "c": text(totals.last),
        "o": text(totals.open),
        "h": text(totals.high),
        "l": text(totals.low),
        "v": text(totals.volume),
        "q": text(totals.quote_volume),
    }


def ticker(instrument: Instrument, totals: Totals, best: Publication, started: int, now: int) -> Json:
    """Return the message of the ``ticker`` stream."""
    return {
        **mini(instrument, totals, now),
        "e": "24hrTicker",
        "p": text(totals.change),
        "P": text(totals.percent),
        "w": text(totals.average),
        "x": text(totals.open),
        "Q": text(totals.quantity),
        "b": text(best.best_bid[0]),
        "B": text(best.best_bid[1]),
        "a": text(best.best_ask[0]),
        "A": text(best.best_ask[1]),
        "O": started,
        "C": now,
        "F": totals.first_id,
        "L": totals.last_id,
        "n": totals.trades,
    }


def day(instrument: Instrument, totals: Totals, best: Publication, started: int, now: int) -> Json:
    """Return ``ticker/24hr`` of one symbol."""
    return {
        "symbol": instrument.market_id,
        "priceChange": text(totals.change),
        "priceChangePercent": text(totals.percent),
        "weightedAvgPrice": text(totals.average),
        "prevClosePrice": text(totals.open),
        "lastPrice": text(totals.last),
        "lastQty": text(totals.quantity),
        "bidPrice": text(best.best_bid[0]),
        "bidQty": text(best.best_bid[1]),
        "askPrice": text(best.best_ask[0]),
        "askQty": text(best.best_ask[1]),
        "openPrice": text(totals.open),
        "highPrice": text(totals.high),
        "lowPrice": text(totals.low),
        "volume": text(totals.volume),
        "quoteVolume": text(totals.quote_volume),
        "openTime": started,
        "closeTime": now,
        "firstId": totals.first_id,
        "lastId": totals.last_id,
        "count": totals.trades,
    }
