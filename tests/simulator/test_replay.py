from __future__ import annotations

import asyncio
import csv
import gzip
import time
import zipfile
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest

from simulator.engine.exchange import Exchange
from simulator.engine.fees import FeeSchedule
from simulator.engine.instruments import KNOWN
from simulator.engine.orders import Event, Side, TradePrinted
from simulator.engine.replay import ReplayError, ReplayMarket, TapeQuote, TapeTrade, instrument_for, load
from simulator.server import running
from simulator.setup import Replay
from tests.simulator.helpers import until

BTC = KNOWN["BTC/USDT"]
DATA = Path(__file__).parents[3] / "shared" / "data"
TRADES, QUOTES = DATA / "BTCUSDT-trades-2021-01-08.csv", DATA / "BTCUSDT-bookTicker-2021-01-08.csv"
recorded = pytest.mark.skipif(not TRADES.exists(), reason=f"recorded data is not at {DATA}")

TRADE_HEADER = "id,price,qty,quote_qty,time,is_buyer_maker\n"
QUOTE_HEADER = "best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time\n"
T0 = 1_610_064_000_000


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(content.encode()))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inner.csv", content)
    else:
        path.write_text(content)
    return path


def quotes_file(folder: Path, *rows: tuple[int, str, str]) -> Path:
    lines = [f"{bid},0.5,{ask},0.5,{T0 + at}\n" for at, bid, ask in rows]
    return written(folder, "quotes.csv", QUOTE_HEADER + "".join(lines))


# -- reading the files


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.zip"])
@pytest.mark.parametrize("header", [TRADE_HEADER, ""])
def test_trades_are_read_with_or_without_header_also_compressed(tmp_path: Path, name: str, header: str) -> None:
    """Each form of a dump gives the same trades, and float noise is rounded to the lot."""
    content = header + f"5,39439.22,0.00031099999999999997,12.3,{T0},True\n6,39440.0,0.5,1,{T0 + 7},False,True\n"
    rows = load(written(tmp_path, name, content), None, BTC)
    trades = [row for row in rows if isinstance(row, TapeTrade)]
    assert [(t.time, str(t.price), str(t.quantity), t.aggressor) for t in trades] == [
        (T0, "39439.22", "0.000311", "sell"),
        (T0 + 7, "39440.00", "0.500000", "buy"),
    ]


def test_microseconds_are_understood(tmp_path: Path) -> None:
    """Newer dumps have times in microseconds; they are read as milliseconds."""
    path = written(tmp_path, "t.csv", TRADE_HEADER + f"5,100,1,100,{T0 * 1000 + 999},True\n")
    assert {row.time for row in load(path, None, BTC)} == {T0}


def test_quotes_and_trades_come_in_order_of_time(tmp_path: Path) -> None:
    """Rows of both files are merged by time; of one millisecond the quote comes first."""
    trades = written(tmp_path, "t.csv", TRADE_HEADER + f"1,100,1,100,{T0 + 5},True\n2,100,1,100,{T0 + 9},True\n")
    rows = load(trades, quotes_file(tmp_path, (0, "99", "101"), (9, "98", "102")), BTC)
    assert [(row.time - T0, type(row)) for row in rows] == [
        (0, TapeQuote),
        (5, TapeTrade),
        (9, TapeQuote),
        (9, TapeTrade),
    ]


def test_trades_alone_show_the_quotes(tmp_path: Path) -> None:
    """Without quotes, each trade shows the price of the side that it hit, and the quote never crosses."""
    rows = "1,100,1,1,{0},True\n2,100.05,1,1,{0},False\n3,100.07,1,1,{0},True\n4,99.9,1,1,{0},False\n"
    path = written(tmp_path, "t.csv", TRADE_HEADER + rows.replace("{0}", str(T0)))
    quotes = [(str(q.bid), str(q.ask)) for q in load(path, None, BTC) if isinstance(q, TapeQuote)]
    assert quotes == [("100.00", "100.01"), ("100.00", "100.05"), ("100.07", "100.08"), ("99.89", "99.90")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "the file is empty"),
        ("id,cost,qty,time\n", "missing column(s) price, is_buyer_maker; it has id, cost, qty, time"),
        ("1,2,3\n", "a file without a header needs the columns id, price"),
        (TRADE_HEADER + f"1,abc,1,1,{T0},True\n", "line 2: column price is 'abc', not a number"),
        (TRADE_HEADER + f"1,1,1,1,{T0},True\n1,-1,1,1,{T0},True\n", "line 3: column price is '-1'"),
        (TRADE_HEADER + f"1,1,1,1,{T0},maybe\n", "line 2: column is_buyer_maker is 'maybe'"),
        (TRADE_HEADER + "1,1,1\n", "line 2: column time is missing"),
        (TRADE_HEADER, "no usable row"),
    ],
)
def test_a_bad_file_is_refused_with_file_line_and_column(tmp_path: Path, content: str, words: str) -> None:
    """The error names the file, where in it, and what is wrong."""
    path = written(tmp_path, "bad.csv", content)
    with pytest.raises(ReplayError) as error:
        load(path, None, BTC)
    assert str(path) in str(error.value)
    assert words in str(error.value)


def test_crossed_quotes_and_unreadable_files_are_refused(tmp_path: Path) -> None:
    """A bid that is not below the ask, a missing file and a broken archive are errors with their file."""
    with pytest.raises(ReplayError, match=r"line 2: the best bid 100\.00 is not below the best ask 100\.00"):
        load(None, quotes_file(tmp_path, (0, "100", "100")), BTC)
    with pytest.raises(ReplayError, match=r"nowhere\.csv: cannot be read"):
        load(tmp_path / "nowhere.csv", None, BTC)
    broken = tmp_path / "t.csv.gz"
    broken.write_bytes(b"no archive")
    with pytest.raises(ReplayError, match="cannot be read"):
        load(broken, None, BTC)


@recorded
def test_tick_and_lot_of_an_unknown_symbol_are_read_off_its_file() -> None:
    """The recorded XRP/ETH trades have whole lots and prices of eight digits."""
    instrument = instrument_for("XRP/ETH", DATA / "XRPETH-trades-2019-10.csv.gz", None)
    assert (instrument.tick, instrument.lot) == (Decimal("1E-8"), Decimal(1))


# -- playing them


def test_recorded_times_are_rebased_to_the_start_and_scaled(tmp_path: Path) -> None:
    """Rows happen as far from the start as recorded, divided by the speed, and not a millisecond earlier."""
    quotes = quotes_file(tmp_path, (0, "100", "101"), (1000, "110", "111"), (2000, "120", "121"))
    exchange = Exchange("alpha", [BTC], {}, FeeSchedule())
    market = ReplayMarket(exchange, "BTC/USDT", load(None, quotes, BTC), speed=4.0)
    market.advance(10_000)
    assert market.state == "waiting"
    market.start(50_000)
    shown = []
    for now in (50_000, 50_249, 50_250, 50_499, 50_500, 60_000):
        market.advance(now)
        shown.append((str(exchange.book("BTC/USDT").best_price(Side.BUY)), market.state))
    running_, finished = "running", "finished"
    assert shown == [
        ("100.00", running_),
        ("100.00", running_),
        ("110.00", running_),
        ("110.00", running_),
        ("120.00", finished),
        ("120.00", finished),
    ]


async def test_a_replay_that_waits_starts_on_request_at_the_present_time(tmp_path: Path) -> None:
    """Until the start the book shows the first quote; afterwards events carry the present time."""
    quotes = quotes_file(tmp_path, (0, "100", "101"), (1000, "110", "111"))
    replay = Replay("BTC/USDT", quotes=quotes, speed=10.0, wait=True)
    async with running(symbols=["BTC/USDT"], replay=replay) as simulator, aiohttp.ClientSession() as session:
        assert (simulator.replay_state(), simulator.market("alpha")["BTC/USDT"]["bid"]) == ("waiting", "100.00")
        started = time.time_ns() // 1_000_000
        async with session.post(f"{simulator.base_url}/control/replay/start") as answer:
            assert await answer.json() == {"replay": "running"}
        await until(lambda: simulator.market("alpha")["BTC/USDT"]["bid"] == "110.00")
        assert simulator.replay_state() == "finished"
        assert int(str(simulator.market("alpha")["BTC/USDT"]["time"])) >= started + 100


@recorded
async def test_the_recorded_market_is_replayed_to_its_last_quote_and_stays_there() -> None:
    """All trades are printed exactly once, the other symbols go on, and the book ends at the last quote."""
    with TRADES.open() as file:
        volume = sum((BTC.quantity(Decimal(row["qty"])) for row in csv.DictReader(file)), Decimal(0))
    with QUOTES.open() as file:
        *_, last = csv.DictReader(file)
    printed: list[Decimal] = []

    def note(event: Event) -> None:
        if isinstance(event, TradePrinted) and event.symbol == "BTC/USDT":
            printed.append(event.quantity)

    async with running(replay=Replay("BTC/USDT", TRADES, QUOTES, speed=40, wait=True)) as simulator:
        simulator.venues["alpha"].exchange.listeners.append(note)
        token = simulator.market("alpha")["BNB/USDT"]["mid"]
        simulator.start_replay()
        await until(lambda: simulator.replay_state() == "finished")
        await asyncio.sleep(0.25)
        assert sum(printed) == volume
        mid = (Decimal(last["best_bid_price"]) + Decimal(last["best_ask_price"])) / 2
        frozen = simulator.market("alpha")["BTC/USDT"]
        assert Decimal(str(frozen["mid"])) == mid
        await asyncio.sleep(0.25)
        assert simulator.market("alpha")["BTC/USDT"] == frozen
        assert simulator.market("alpha")["BNB/USDT"]["mid"] != token
