"""A bot's database: everything in it once, exactly, and whatever happens to the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from exporter.events import BookKey, Fee, Fill
from tests.sources.hummingbot.world import (
    NAME,
    T0,
    Follower,
    add_fill,
    by_database,
    execute,
    fee_json,
    following,
    recorded_database,
)

RECORDED_TRADES = ["8001", "8002", "8003", "9001", "9002", "7001", "6001"]
_STRATEGY = "pure_market_making"


def expected(  # noqa: PLR0917 - one line a fill
    trade_id: str, order_id: str, side: Any, price: str, quantity: str, second: int, /, **rest: Any
) -> Fill:
    fields: dict[str, Any] = {"exchange": "binance", "symbol": "BTC/USDT", "strategy": _STRATEGY} | rest
    return Fill(
        trade_id=trade_id,
        order_id=order_id,
        side=side,
        price=Decimal(price),
        quantity=Decimal(quantity),
        ts=T0 + second,
        **fields,
    )


def fee(currency: str, amount: str) -> Fee:
    return Fee(currency, Decimal(amount))


RECORDED_FILLS = [
    expected("8001", "B1", "buy", "60000.1", "0.012", 1, fee=fee("BNB", "0.00001234"), liquidity="maker"),
    expected("8002", "B1", "buy", "60000.1", "0.018", 2, fee=fee("BNB", "0.00001851"), liquidity="maker"),
    expected("8003", "S1", "sell", "60100.1", "0.03", 5, fee=fee("USDT", "1.803003")),
    expected("9001", "M1", "buy", "3000", "0.5", 12, fee=fee("ETH", "0.0005"), symbol="ETH/USDT"),
    expected("9002", "S2", "sell", "3010", "0.5", 15, fee=fee("USDT", "1.505"), symbol="ETH/USDT"),
    # 0.00001234, which hummingbot's database cuts off.
    expected("7001", "B5", "buy", "0.000012", "1000000", 18, fee=fee("USDT", "0.01234"), symbol="SHIB/USDT"),
    expected(
        "6001", "P1", "sell", "60050", "0.5", 22, fee=fee("USDT", "12.01"), symbol="BTC/USDT:USDT",
        exchange="binance_perpetual",
    ),
]  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return recorded_database(tmp_path / "conf_pure_mm_1.sqlite")


async def read(exporter: Follower, *trade_ids: str) -> None:
    """Wait until these trades are there, and what hummingbot recorded."""
    await exporter.reaches(lambda: set(trade_ids) <= set(exporter.trade_ids))
    await exporter.reaches(lambda: exporter.component("database").up)


async def test_what_hummingbot_wrote_becomes_what_happened(database: Path) -> None:
    """Each fill with its exact price, amount and fee, once; each end of an order; the funding payment."""
    async with following(by_database(database)) as exporter:
        await read(exporter, *RECORDED_TRADES)
        assert exporter.fills == RECORDED_FILLS
        (payment,) = exporter.payments
        assert (payment.exchange, payment.symbol, payment.currency) == ("binance_perpetual", "BTC/USDT:USDT", "USDT")
        assert (payment.amount, payment.ts) == (Decimal("-1.23456789"), T0 + 60)
        assert exporter.repeats() == {"duplicates": 0, "conflicts": 0}
        assert exporter.rejected == {}
        assert exporter.bot.strategy == _STRATEGY
        assert (exporter.bot.dry_run, exporter.bot.up) == (False, None)
        assert (await exporter.health())["overall_status"] == "healthy"


async def test_fees_are_counted_once_in_the_books(database: Path) -> None:
    """Gains come from prices alone and fees are taken off once, those in BNB at its price."""
    async with following(by_database(database)) as exporter:
        await read(exporter, *RECORDED_TRADES)
        labels = {"exchange": "binance", "symbol": "BTC/USDT"}
        await exporter.until("pnl_realized_usd", lambda usd: abs(usd - 0.03 * 100) < 1e-9, **labels)
        paid = 1.803003 + 600 * (0.00001234 + 0.00001851)
        await exporter.until("fees_usd_total", lambda usd: abs(usd - paid) < 1e-9, **labels)
        await exporter.until("pnl_total_usd", lambda usd: abs(usd - (3 - paid)) < 1e-9, **labels)
        await exporter.until("funding_usd", -1.23456789, exchange="binance_perpetual")


async def test_orders_are_followed_to_their_end(database: Path, recent_orders: Callable[[], None]) -> None:
    """At the start only orders that the bot follows count as open; from then on each report is taken."""
    recent_orders()
    execute(database, """UPDATE "Order" SET last_status = 'SellOrderCreated' WHERE id = 'S2'""")  # unseen end
    async with following(by_database(database)) as exporter:
        await read(exporter, *RECORDED_TRADES)
        counts = exporter.state.orders.books[BookKey("binance", "default", "BTC/USDT", _STRATEGY)]
        assert list(counts.open) == ["B4"]
        assert counts.canceled["buy"] == 2  # one canceled, one expired
        assert (counts.placed["buy"], counts.placed["sell"]) == (4, 1)
        ethereum = exporter.state.orders.books[BookKey("binance", "default", "ETH/USDT", _STRATEGY)]
        assert ethereum.open == {}
        execute(database, "INSERT INTO OrderStatus VALUES (25, 'B4', ?, 'OrderCancelled')", int(T0 * 1000) + 40_000)
        await exporter.reaches(lambda: counts.open == {})
        assert counts.canceled["buy"] == 3


@pytest.fixture
def recent_orders(database: Path) -> Callable[[], None]:
    """Makes the recorded orders ones of today, of which what became of them matters at the start."""

    def move() -> None:
        execute(database, "UPDATE OrderStatus SET timestamp = (strftime('%s', 'now') - 60) * 1000")

    return move


async def test_what_is_new_is_taken_while_the_bot_trades(database: Path) -> None:
    """A fill that the bot adds is taken at the next reading, and nothing is taken twice."""
    async with following(by_database(database)) as exporter:
        await read(exporter, *RECORDED_TRADES)
        add_fill(database, "8004")
        await read(exporter, "8004")
        add_fill(database, "8005", order_type="LIMIT_MAKER", trade_type="SELL")
        await read(exporter, "8005")
        assert exporter.trade_ids == [*RECORDED_TRADES, "8004", "8005"]
        assert exporter.repeats() == {"duplicates": 0, "conflicts": 0}
        new = exporter.fills[-1]
        assert (new.price, new.quantity) == (Decimal("58000.5"), Decimal("0.001"))
        assert (new.side, new.liquidity) == ("sell", "maker")


async def test_a_restart_accounts_for_nothing_twice(database: Path, tmp_path: Path) -> None:
    """The journal knows what was read before; what was added meanwhile is found."""
    journal = {"path": str(tmp_path / "journal.db")}
    async with following(by_database(database), journal=journal) as exporter:
        await read(exporter, *RECORDED_TRADES)
    add_fill(database, "8004")
    async with following(by_database(database), journal=journal) as exporter:
        await read(exporter, "8004")
        assert exporter.trade_ids == [*RECORDED_TRADES, "8004"]
        assert len(exporter.payments) == 1
        assert exporter.repeats() == {"duplicates": 0, "conflicts": 0}


async def test_a_journal_that_takes_little_at_once_gets_all(database: Path, tmp_path: Path) -> None:
    """What the journal cannot take yet is offered again, and reading goes on."""
    journal = {"path": str(tmp_path / "journal.db"), "max_pending": 2}
    async with following(by_database(database), journal=journal) as exporter:
        await read(exporter, *RECORDED_TRADES)
        assert exporter.trade_ids == RECORDED_TRADES
        await exporter.reaches(lambda: exporter.payments)
        assert exporter.repeats() == {"duplicates": 0, "conflicts": 0}


async def test_a_long_history_is_read_to_its_end(database: Path) -> None:
    """However many fills there are, each is taken once."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(
            "INSERT INTO TradeFill SELECT config_file_path, strategy, market, symbol, base_asset, quote_asset, "
            "timestamp, order_id, trade_type, order_type, price, amount, leverage, trade_fee, "
            "trade_fee_in_quote, ?, position FROM TradeFill WHERE exchange_trade_id = '8003'",
            [(str(number),) for number in range(100_000, 101_234)],
        )
    async with following(by_database(database)) as exporter:
        await exporter.reaches(lambda: len(exporter.fills) == 7 + 1234)
        assert len(set(exporter.trade_ids)) == 7 + 1234


def _replace(path: Path, other: Path, change: str) -> None:
    if change == "an older copy":
        execute(other, "DELETE FROM TradeFill WHERE exchange_trade_id IN ('6001', '7001')")
    if change != "restored in place":
        other.replace(path)
        return
    add_fill(other, "8004")
    add_fill(other, "8003b")
    with closing(sqlite3.connect(other)) as source, closing(sqlite3.connect(path)) as target:
        source.backup(target)


@pytest.mark.parametrize("change", ["another file", "the same, renumbered", "an older copy", "restored in place"])
async def test_a_file_that_is_replaced_is_read_anew(database: Path, tmp_path: Path, change: str) -> None:
    """Whatever another file has at the place where the last one was read to, no fill is missed or taken twice."""
    execute(database, "DELETE FROM TradeFill WHERE exchange_trade_id = '8001'")
    async with following(by_database(database)) as exporter:
        await read(exporter, *RECORDED_TRADES[1:])
        add_fill(database, "8003b")
        await read(exporter, "8003b")
        if change == "the same, renumbered":
            execute(database, "VACUUM")
            add_fill(database, "8001")
        else:
            _replace(database, recorded_database(tmp_path / "other.sqlite"), change)
        if change != "restored in place":
            add_fill(database, "8004")
        await read(exporter, "8001", "8004")
        assert sorted(exporter.trade_ids) == sorted([*RECORDED_TRADES, "8003b", "8004"])
        assert exporter.repeats() == {"duplicates": 0, "conflicts": 0}


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
async def test_the_bot_writes_undisturbed(tmp_path: Path, journal_mode: str) -> None:
    """While the file is read as often as can be, the bot's writes succeed, and each is seen."""
    database = recorded_database(tmp_path / "bot.sqlite", journal_mode)
    ids = [str(number) for number in range(50_000, 50_060)]
    async with following(by_database(database, poll_interval=0.001)) as exporter:
        await read(exporter, *RECORDED_TRADES)
        await exporter.reaches(lambda: _write_one(database, ids))
        await read(exporter, "50059")
        assert exporter.trade_ids == [*RECORDED_TRADES, *(str(number) for number in range(50_000, 50_060))]


def _write_one(database: Path, ids: list[str]) -> bool:
    add_fill(database, ids.pop(0))
    return not ids


async def test_a_locked_file_is_waited_for(database: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While the bot holds the file for long that is said once; afterwards all is read."""
    async with following(by_database(database)) as exporter:
        await read(exporter, *RECORDED_TRADES)
        with closing(sqlite3.connect(database, isolation_level=None)) as writer:
            writer.execute("BEGIN EXCLUSIVE")
            await exporter.reaches(lambda: not exporter.component("database").up)
            assert "is locked by a long write of the bot" in exporter.component("database").detail
            assert (await exporter.health())["overall_status"] == "degraded"
            writer.execute("ROLLBACK")
        add_fill(database, "8004")
        await read(exporter, "8004")
    said = [record.getMessage() for record in caplog.records if record.getMessage().startswith("bot/")]
    assert said == [f"bot/{NAME}/database failed, retrying", f"bot/{NAME}/database works again"]


def _not_sqlite(path: Path) -> None:
    path.write_text("id,price\n" * 1000)


def _other_program(path: Path) -> None:
    path.unlink()
    execute(path, "CREATE TABLE trades (id INTEGER PRIMARY KEY)")


def _column_missing(path: Path) -> None:
    execute(path, "ALTER TABLE TradeFill DROP COLUMN order_type")


def _unknown_numbers(path: Path) -> None:
    execute(path, "ALTER TABLE TradeFill RENAME TO old")
    execute(path, "CREATE TABLE TradeFill AS SELECT * FROM old")
    execute(path, "ALTER TABLE TradeFill DROP COLUMN price")
    execute(path, "ALTER TABLE TradeFill ADD COLUMN price BLOB")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _stopped_while_writing(path: Path) -> None:
    """A crash in the middle of a commit: the pages are half written, and beside them is the way back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("BEGIN")
        writer.executemany("INSERT INTO OrderStatus VALUES (?, 'B4', 0, ?)", [(n, "x" * 500) for n in range(100, 400)])
        parts = [(part, part.read_bytes()) for part in (path, path.with_name(f"{path.name}-journal"))]
        writer.execute("ROLLBACK")
    for part, content in parts:
        part.write_bytes(content)


def _spoiled(path: Path, spoil: Callable[[Path], None]) -> bytes:
    """What was in the file before it was spoiled."""
    good = path.read_bytes()
    spoil(path)
    return good


def _mend(path: Path, good: bytes) -> None:
    if path.is_dir():
        path.rmdir()
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    path.write_bytes(good)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (Path.unlink, "does not exist; hummingbot keeps its databases in its folder data"),
        (_not_sqlite, "is not an SQLite file; give the path of hummingbot's database"),
        (_other_program, "has no table TradeFill; give a database that hummingbot trades with"),
        (_column_missing, "has no column order_type: its hummingbot is older or newer than those that are known"),
        (_unknown_numbers, "has numbers of the unknown kind BLOB: its hummingbot is older or newer"),
        (_folder, "is not a file; give the path of hummingbot's database"),
        (_stopped_while_writing, "the bot stopped in the middle of a write, which it repairs when it starts again"),
    ],
)
async def test_a_file_that_is_of_no_use_is_said_to_be(
    database: Path, spoil: Callable[[Path], None], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What is wrong, where, and what to do, said once; when it is mended, reading goes on."""
    good = _spoiled(database, spoil)
    async with following(by_database(database)) as exporter:
        await exporter.reaches(lambda: words in exporter.component("database").detail)
        assert str(database) in exporter.component("database").detail
        assert (await exporter.health())["overall_status"] == "degraded"
        assert exporter.fills == []
        _mend(database, good)
        await read(exporter, *RECORDED_TRADES)
    assert len([record for record in caplog.records if "failed, retrying" in record.getMessage()]) == 1


async def test_a_row_that_makes_no_sense_keeps_no_other_away(database: Path) -> None:
    """Rows that cannot be what hummingbot wrote are refused and counted, each for its own reason."""
    nonsense: list[dict[str, Any]] = [
        {"trade_fee": "{"},
        {"trade_fee": '{"flat_fees": 7}'},
        {"price": "much"},
        {"price": 0},
        {"amount": -5},
        {"timestamp": "today"},
        {"timestamp": 9_999_999_999_999_999},
        {"trade_type": "RANGE"},
        {"symbol": "BTCUSDT"},
    ]
    for number, changes in enumerate(nonsense):
        add_fill(database, f"bad{number}", **changes)
    execute(database, "INSERT INTO OrderStatus VALUES (25, 'B4', 'today', 'OrderCancelled')")
    execute(database, "INSERT INTO OrderStatus VALUES (26, 'no such order', 1, 'OrderFilled')")
    execute(database, "INSERT INTO FundingPayment VALUES (1, 'c', 'binance_perpetual', 0, 'BTC-USDT', 'much')")
    add_fill(database, "8004")
    async with following(by_database(database)) as exporter:
        await read(exporter, *RECORDED_TRADES, "8004")
        assert len(exporter.fills) == len(RECORDED_TRADES) + 1
        reasons = {"fee": 2, "price": 2, "quantity": 1, "row": 1, "ts": 1, "side": 1, "symbol": 1, "amount": 1}
        assert exporter.rejected == reasons


async def test_numbers_of_old_versions_are_read_as_they_are_meant(database: Path) -> None:
    """Before 2022 prices and amounts were floating-point numbers, with the fee in other words."""
    execute(database, "DELETE FROM Metadata")
    execute(database, "DROP TABLE TradeFill")
    execute(
        database,
        "CREATE TABLE TradeFill (id INTEGER PRIMARY KEY, config_file_path TEXT, strategy TEXT, market TEXT, "
        "symbol TEXT, base_asset TEXT, quote_asset TEXT, timestamp BIGINT, order_id TEXT, trade_type TEXT, "
        "order_type TEXT, price FLOAT, amount FLOAT, leverage INTEGER, trade_fee JSON, "
        "exchange_trade_id TEXT, position TEXT)",
    )
    old_fee = '{"percent": 0.0, "flat_fees": [{"asset": "BNB", "amount": 1.234e-05}]}'
    add_fill(database, "1", price=60000.1, amount=0.012, trade_fee=old_fee)
    add_fill(database, "2", price=0.00001234, amount=1e6, trade_fee=old_fee)
    async with following(by_database(database)) as exporter:
        await read(exporter, "1", "2")
        first, second = exporter.fills
        assert (first.price, first.quantity) == (Decimal("60000.1"), Decimal("0.012"))
        assert first.fee == fee("BNB", "0.00001234")
        assert (second.price, second.quantity) == (Decimal("0.00001234"), Decimal(1000000))


async def test_a_migrated_file_has_millionths_in_columns_called_float(database: Path) -> None:
    """Hummingbot's own migration left the amount's column a FLOAT, with integers of a millionth in it."""
    execute(database, "ALTER TABLE TradeFill DROP COLUMN amount")
    execute(database, "ALTER TABLE TradeFill ADD COLUMN amount FLOAT")
    execute(database, "DELETE FROM TradeFill")
    add_fill(database, "8001_17", amount=12000)
    async with following(by_database(database)) as exporter:
        await read(exporter, "8001_17")
        assert [(fill.price, fill.quantity) for fill in exporter.fills] == [(Decimal("58000.5"), Decimal("0.012"))]


async def test_parts_of_an_order_are_each_counted_by_themselves(
    database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Partial fills add up to the order; a connector whose fills add up to more is named, once."""
    execute(database, "DELETE FROM TradeFill WHERE symbol = 'SHIB-USDT'")
    async with following(by_database(database)) as exporter:
        await read(exporter, "8001", "8002")
        parts = [fill.quantity for fill in exporter.fills if fill.order_id == "B1"]
        assert (parts, sum(parts)) == ([Decimal("0.012"), Decimal("0.018")], Decimal("0.03"))
        assert "add up to more" not in caplog.text
        for trade_id, amount in (("8004", 10_000), ("8005", 20_000), ("8006", 20_000)):  # 0.02 was ordered
            add_fill(database, trade_id, amount=amount)
        await read(exporter, "8006")
    warnings = [record.getMessage() for record in caplog.records if "add up to more" in record.getMessage()]
    assert len(warnings) == 1
    assert "the fills of order B4 add up to more than was ordered" in warnings[0]


async def test_values_too_small_for_the_database_are_named(database: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Prices of which hummingbot's six decimals leave too little are pointed out, once a market."""
    async with following(by_database(database)) as exporter:
        await read(exporter, *RECORDED_TRADES)
        add_fill(database, "7002", symbol="SHIB-USDT", price=12, amount=10**12)
        await read(exporter, "7002")
    (warning,) = [record.getMessage() for record in caplog.records if "six decimals" in record.getMessage()]
    assert warning.startswith("quoter: SHIB-USDT of binance: hummingbot's database cuts prices and amounts off")


async def test_a_trade_between_two_orders_of_the_bot_is_two_fills(database: Path) -> None:
    """Both sides of such a trade have the exchange's one id; each is accounted for."""
    add_fill(database, "8004", order_id="B4")
    add_fill(database, "8004", order_id="S9", trade_type="SELL")
    add_fill(database, "", order_id="B10")
    async with following(by_database(database)) as exporter:
        await read(exporter, "8004", "8004/S9", "B10")
        sides = {fill.trade_id: fill.side for fill in exporter.fills}
        assert (sides["8004"], sides["8004/S9"]) == ("buy", "sell")
        assert exporter.repeats() == {"duplicates": 0, "conflicts": 0}


async def test_labels_are_those_of_the_configuration(database: Path) -> None:
    """Connectors become exchanges, pairs symbols, by connector and pair before by pair alone."""
    add_fill(database, "5001", market="hyperliquid_perpetual", symbol="BTC-USD")
    add_fill(database, "5002", market="hyperliquid", symbol="BTC-USD")
    symbols = {"hyperliquid_perpetual:BTC-USD": "BTC/USDC:USDC", "BTC-USD": "BTC/USDC"}
    venues = {"binance": "alpha", "hyperliquid_perpetual": "hyper"}
    changes = {"account": "desk", "strategy": "maker", "symbols": symbols, "venues": venues}
    async with following(by_database(database, **changes)) as exporter:
        await read(exporter, *RECORDED_TRADES, "5001", "5002")
        found = {fill.trade_id: (fill.exchange, fill.symbol) for fill in exporter.fills}
        assert found["8001"] == ("alpha", "BTC/USDT")
        assert found["6001"] == ("binance_perpetual", "BTC/USDT:USDT")
        assert (found["5001"], found["5002"]) == (("hyper", "BTC/USDC:USDC"), ("hyperliquid", "BTC/USDC"))
        assert {(fill.account, fill.strategy) for fill in exporter.fills} == {("desk", "maker")}


async def test_older_fills_are_left_out_when_asked(database: Path) -> None:
    """With backfill_hours, only what happened since is accounted for."""
    with closing(sqlite3.connect(database)) as connection:
        (now,) = connection.execute("SELECT strftime('%s', 'now') * 1000").fetchone()
    add_fill(database, "8004", timestamp=now - 1000, trade_fee=fee_json())
    async with following(by_database(database, backfill_hours=1)) as exporter:
        await read(exporter, "8004")
        assert exporter.trade_ids == ["8004"]
        assert exporter.payments == []
