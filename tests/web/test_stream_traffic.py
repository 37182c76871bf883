"""The stream under what a market really did."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count, groupby, islice
from pathlib import Path

import pytest

from simulator.engine.instruments import KNOWN
from simulator.engine.replay import Recorded, TapeTrade, load
from tests.builders import book
from tests.web.desks import QUICK, a_desk

DATA = Path(__file__).parents[3] / "shared" / "data"
TRADES, QUOTES = DATA / "BTCUSDT-trades-2021-01-08.csv", DATA / "BTCUSDT-bookTicker-2021-01-08.csv"
STREAMS = ("spreads", "pnl", "trades")


def tenths() -> Iterator[Iterator[Recorded]]:
    """What was recorded in each tenth of a second."""
    for _, rows in groupby(load(TRADES, QUOTES, KNOWN["BTC/USDT"]), lambda row: row.time // 100):
        yield rows


@pytest.mark.skipif(not TRADES.exists(), reason=f"recorded data is not at {DATA}")
async def test_of_real_traffic_less_than_a_third_is_sent() -> None:
    """A desk that follows three streams, as if it had made each trade of a market itself."""
    async with a_desk() as desk, desk.client() as reader:
        for stream in ("spreads", "pnl", "trades"):
            await reader.subscribe(stream)
        reading = asyncio.create_task(reader.closed())
        number = count()
        for rows in islice(tenths(), 150):
            for row in rows:
                if isinstance(row, TapeTrade):
                    desk.trade(next(number), side=row.aggressor, price=row.price, quantity=row.quantity)
                else:
                    now = desk.state.clock()
                    desk.intake.accept(book(float(row.bid), float(row.ask), now), "test")
            await asyncio.sleep(2 * QUICK["interval_seconds"])
        reading.cancel()
    counts = desk.state.stream
    saved = 1 - counts.bytes_sent / counts.bytes_made
    print(f"compression saved {saved:.1%} of {counts.bytes_made} bytes in {counts.messages} messages")
    assert counts.messages > 100
    assert saved >= 0.7
