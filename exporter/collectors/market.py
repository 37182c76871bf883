"""Markets: mid, spread, age of the data, and currency rates."""

from __future__ import annotations

from collections.abc import Iterator

from exporter import metrics
from exporter.exposition import Batch
from exporter.state.state import State


def collect(state: State) -> Iterator[Batch]:
    """Present values as gauges, and the spread integrated over time up to this scrape."""
    now, markets = state.clock(), state.markets
    for market in markets.values():
        market.integrate(now)
    yield metrics.MARKET_DATA_TIMESTAMP, [(k, m.updated) for k, m in markets.items() if m.updated is not None]
    yield metrics.MARKET_MID_PRICE, [(k, m.mid) for k, m in markets.items() if m.mid is not None]
    yield (
        metrics.MARKET_SPREAD_RATIO,
        [(k, m.spread_ratio) for k, m in markets.items() if m.spread_ratio is not None],
    )
    yield metrics.MARKET_SPREAD_SECONDS, [(k, m.spread_seconds) for k, m in markets.items()]
    yield metrics.MARKET_OBSERVED_SECONDS, [(k, m.observed_seconds) for k, m in markets.items()]
    rates, missing = state.ledger.currencies(now), state.ledger.missing_rates()
    yield metrics.CURRENCY_RATE, [((currency,), rate) for currency, rate in rates.items() if rate is not None]
    yield metrics.CURRENCY_RATE_MISSING, [((currency,), missing[currency]) for currency in rates]
