"""Reads hummingbot's SQLite file without getting into the bot's way.

Each reading opens the file read-only, takes some rows, and closes it: a few milliseconds in which the bot can
read and, with SQLite's default journal, must wait to write. Nothing is kept open, so that a file that is
replaced is seen at the next reading.

Hummingbot 1.4 (2022) and later keep prices and amounts as integers of a millionth and cut off what is smaller;
earlier ones keep floating-point numbers. A file that was carried over from then has both kinds of columns, with
millionths in all of them, so that the version in its table ``Metadata`` decides.
"""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from exporter.errors import EventError
from exporter.sources.hummingbot.convert import OrderReport, Payment, Trade
from exporter.sources.hummingbot.values import number, shortest

PAGE = 500
_BUSY_SECONDS = 1.0
_MILLIONTHS_SINCE = 20220130
_MILLION = -6
_RECENT_STATUSES = 5000  # looked at when reading begins
_OPEN = ("BuyOrderCreated", "SellOrderCreated", "OrderFilled")

_FILL_COLUMNS = (
    "market", "symbol", "strategy", "timestamp", "order_id", "trade_type", "order_type", "price", "amount",
    "trade_fee", "exchange_trade_id",
)  # fmt: skip
_ORDER_COLUMNS = ("id", "market", "symbol", "strategy", "price", "amount", "last_status", "last_update_timestamp")
_STATUS_COLUMNS = ("id", "order_id", "timestamp", "status")
_FUNDING_COLUMNS = ("timestamp", "market", "symbol", "amount")

_FILL_KEY = "t.market || ' ' || t.order_id || ' ' || t.exchange_trade_id"
_FILLS = f"""
SELECT t.rowid, {_FILL_KEY}, t.market, t.symbol, t.strategy, t.timestamp, t.order_id, t.trade_type, t.order_type,
  t.price, t.amount, t.trade_fee, t.exchange_trade_id,
  (SELECT sum(f.amount) FROM TradeFill f WHERE f.market = t.market AND f.order_id = t.order_id AND f.rowid <= t.rowid),
  %s
FROM TradeFill t WHERE t.rowid > ? ORDER BY t.rowid LIMIT ?
"""  # noqa: S608 - made of constants
_ORDERED = '(SELECT o.amount FROM "Order" o WHERE o.id = t.order_id)'
_SIDE = """
COALESCE(
  (SELECT CASE WHEN b.status LIKE 'Buy%' THEN 'BUY' ELSE 'SELL' END FROM OrderStatus b WHERE b.order_id = o.id
    AND b.status IN ('BuyOrderCreated', 'SellOrderCreated', 'BuyOrderCompleted', 'SellOrderCompleted') LIMIT 1),
  (SELECT f.trade_type FROM TradeFill f WHERE f.market = o.market AND f.order_id = o.id LIMIT 1), '')
"""
_STATUS_KEY = "s.order_id || ' ' || s.status"
_STATUSES = f"""
SELECT s.id, {_STATUS_KEY}, o.market, o.symbol, o.strategy, s.timestamp, s.order_id, s.status, {_SIDE},
  o.price, o.amount
FROM OrderStatus s LEFT JOIN "Order" o ON o.id = s.order_id WHERE s.id > ? ORDER BY s.id LIMIT ?
"""  # noqa: S608 - made of constants
_NEWEST_STATUS = f"SELECT s.id, {_STATUS_KEY} FROM OrderStatus s ORDER BY s.id DESC LIMIT 1"  # noqa: S608 - constants
_RECENT = "SELECT DISTINCT order_id FROM OrderStatus WHERE id > ? AND timestamp >= ?"
_ORDERS = f"""
SELECT o.market, o.symbol, o.strategy, o.last_update_timestamp, o.id, o.last_status, {_SIDE}, o.price, o.amount
FROM "Order" o WHERE o.id IN (SELECT value FROM json_each(?))
"""  # noqa: S608 - made of constants
_FUNDING_KEY = "p.timestamp || ' ' || p.symbol"
_PAYMENTS = f"""
SELECT p.rowid, {_FUNDING_KEY}, p.market, p.symbol, p.timestamp, p.amount
FROM FundingPayment p WHERE p.rowid > ? ORDER BY p.rowid LIMIT ?
"""  # noqa: S608 - made of constants


class UnusableError(Exception):
    """The file cannot be read now; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a table was read: its last row and what stood in it."""

    row: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class Cursors:
    """How far each table was read, and of which file (device and inode)."""

    file: tuple[int, int]
    fills: Cursor = Cursor()
    statuses: Cursor = Cursor()
    payments: Cursor = Cursor()


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of each table, and the cursors behind them.

    Each row is what it tells, or the error that keeps it from telling. ``overfilled`` are fills with which
    their orders have more than was ordered. ``is_full`` says that there may be more rows now, ``replaced`` that
    this is another file than the one that the cursors were of, so that reading begins anew.
    """

    cursors: Cursors
    trades: list[Trade | EventError] = field(default_factory=list)
    reports: list[OrderReport | EventError] = field(default_factory=list)
    payments: list[Payment | EventError] = field(default_factory=list)
    overfilled: list[Trade] = field(default_factory=list)
    in_millionths: bool = True
    is_full: bool = False
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the file is and has: tables, and the units of its numbers."""

    file: tuple[int, int]
    in_millionths: bool
    has_orders: bool
    has_funding: bool
    has_states: bool

    def number(self, name: str, value: Any) -> Decimal:
        read = number(name, value)
        return shortest(read.scaleb(_MILLION)) if self.in_millionths and not isinstance(value, str) else read


class _Page(NamedTuple):
    """Some rows of one table, and the cursor behind them."""

    rows: list[Any]
    cursor: Cursor


class _Rows(NamedTuple):
    """Some rows of each table."""

    fills: _Page
    statuses: _Page
    payments: _Page


class _ReplacedError(Exception):
    """This is not the file that was read, or the row at a cursor is not the one that was read there."""


class Database:
    """One bot's file. Its methods block for a few milliseconds, or up to a second while the bot writes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def standing(self, since: float) -> tuple[list[OrderReport | EventError], Cursors]:
        """The orders that rest, and what became of others since Unix time ``since``; and the cursor behind.

        An order that is open by its last report, but is not among those that the bot follows, ended while the
        bot was not there to see it, and is left out.
        """
        with self._reading() as (connection, layout):
            if not layout.has_orders:
                return [], Cursors(layout.file)
            newest = connection.execute(_NEWEST_STATUS).fetchone() or (0, "")
            recent = connection.execute(_RECENT, (newest[0] - _RECENT_STATUSES, since * 1000)).fetchall()
            followed = _followed(connection) if layout.has_states else {}
            wanted = {order_id for (order_id,) in recent}.union(*followed.values())
            rows = connection.execute(_ORDERS, (json.dumps(sorted(wanted)),)).fetchall()
        reports = [_attempt(_report, row, layout) for row in rows]
        return [each for each in reports if _stands(each, followed)], Cursors(layout.file, statuses=Cursor(*newest))

    def read(self, cursors: Cursors) -> Batch:
        """The next rows of each table."""
        try:
            with self._reading() as (connection, layout):
                rows = _rows(connection, layout, cursors)
        except _ReplacedError:
            return Batch(cursors, replaced=True)
        return _batch(rows, layout)

    @contextmanager
    def _reading(self) -> Iterator[tuple[sqlite3.Connection, _Layout]]:
        """The open file, all of whose tables are read as of one moment. `UnusableError` for what keeps from that."""
        path, file = self._present()
        address = f"{path.as_uri()}?mode=ro"
        try:
            with closing(
                sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            ) as connection:
                connection.execute("BEGIN")
                yield connection, _layout(connection, self._path, file)
        except sqlite3.Error as error:
            raise UnusableError(_explain(error, self._path)) from None

    def _present(self) -> tuple[Path, tuple[int, int]]:
        """The whole path of the file, if there is one, and its device and inode."""
        try:
            path = self._path.resolve(strict=True)
            facts = path.stat()
            if stat.S_ISREG(facts.st_mode):
                return path, (facts.st_dev, facts.st_ino)
            why = "is not a file; give the path of hummingbot's database, data/NAME.sqlite"
        except FileNotFoundError:
            why = "does not exist; hummingbot keeps its databases in its folder data, one a strategy"
        except (OSError, RuntimeError) as error:
            why = f"cannot be reached: {getattr(error, 'strerror', None) or error}; correct the path or its permissions"
        raise UnusableError(f"{self._path} {why}")


def _explain(error: sqlite3.Error, path: Path) -> str:
    code = getattr(error, "sqlite_errorcode", 0)
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            why = "is locked by a long write of the bot; it is tried again"
        case sqlite3.SQLITE_NOTADB:
            why = "is not an SQLite file; give the path of hummingbot's database, data/NAME.sqlite"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN:
            why = (
                "cannot be opened for reading: the file is not readable for this user, or the bot stopped in the "
                "middle of a write, which it repairs when it starts again"
            )
        case sqlite3.SQLITE_CORRUPT:
            why = "is damaged; check it with: sqlite3 FILE 'PRAGMA integrity_check'"
        case _:
            why = "cannot be read"
    return f"{path} {why} ({error})"


def _layout(connection: sqlite3.Connection, path: Path, file: tuple[int, int]) -> _Layout:
    """What the file has; `UnusableError` when it has no fills as we know them."""
    fills = _columns(connection, "TradeFill")
    if not fills:
        raise UnusableError(f"{path} has no table TradeFill; give a database that hummingbot trades with")
    missing = [name for name in _FILL_COLUMNS if name not in fills]
    kinds = {fills.get(name, "") for name in ("price", "amount")}
    unknown = sorted(kind for kind in kinds if kind not in {"BIGINT", "INTEGER", "INT", "FLOAT", "REAL", "TEXT", ""})
    if missing or unknown:
        what = f"no column {', '.join(missing)}" if missing else f"numbers of the unknown kind {', '.join(unknown)}"
        raise UnusableError(
            f"the table TradeFill of {path} has {what}: its hummingbot is older or newer than those that are known; "
            "known are those from 2019 to September 2026"
        )
    version = _version(connection)
    return _Layout(
        file=file,
        in_millionths=fills["price"] == "BIGINT" if version is None else version >= _MILLIONTHS_SINCE,
        has_orders=_has(connection, "Order", _ORDER_COLUMNS) and _has(connection, "OrderStatus", _STATUS_COLUMNS),
        has_funding=_has(connection, "FundingPayment", _FUNDING_COLUMNS),
        has_states=_has(connection, "MarketState", ("market", "saved_state")),
    )


def _columns(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    """The declared type of each column."""
    return {row[1]: str(row[2]).upper() for row in connection.execute(f'PRAGMA table_info("{table}")')}


def _has(connection: sqlite3.Connection, table: str, columns: Iterable[str]) -> bool:
    return set(columns) <= _columns(connection, table).keys()


def _version(connection: sqlite3.Connection) -> int | None:
    if not _has(connection, "Metadata", ("key", "value")):
        return None
    row = connection.execute("SELECT value FROM Metadata WHERE key = 'local_db_version'").fetchone()
    return int(row[0]) if row and str(row[0]).isdecimal() else None


def _rows(connection: sqlite3.Connection, layout: _Layout, cursors: Cursors) -> _Rows:
    """The next rows of each table; `_ReplacedError` when they would not be the next ones."""
    if cursors.file != layout.file:
        raise _ReplacedError
    ordered = _ORDERED if layout.has_orders else "NULL"
    fills = _page(connection, "TradeFill t", "t.rowid", _FILL_KEY, _FILLS % ordered, cursors.fills)
    statuses, payments = _Page([], cursors.statuses), _Page([], cursors.payments)
    if layout.has_orders:
        statuses = _page(connection, "OrderStatus s", "s.id", _STATUS_KEY, _STATUSES, cursors.statuses)
    if layout.has_funding:
        payments = _page(connection, "FundingPayment p", "p.rowid", _FUNDING_KEY, _PAYMENTS, cursors.payments)
    return _Rows(fills, statuses, payments)


def _page(  # noqa: PLR0913, PLR0917 - what differs between the tables
    connection: sqlite3.Connection, table: str, row: str, key: str, query: str, cursor: Cursor
) -> _Page:
    """Rows behind the cursor, if the row at it is still the one that was read there."""
    if cursor.row:
        found = connection.execute(f"SELECT {key} FROM {table} WHERE {row} = ?", (cursor.row,)).fetchone()  # noqa: S608
        if found is None or found[0] != cursor.key:
            raise _ReplacedError
    rows = connection.execute(query, (cursor.row, PAGE)).fetchall()
    return _Page(rows, Cursor(*rows[-1][:2]) if rows else cursor)


def _batch(rows: _Rows, layout: _Layout) -> Batch:
    """What the rows tell; worked out when the file is closed again."""
    batch = Batch(
        Cursors(layout.file, rows.fills.cursor, rows.statuses.cursor, rows.payments.cursor),
        in_millionths=layout.in_millionths,
        is_full=max(len(page.rows) for page in rows) == PAGE,
    )
    for row in rows.fills.rows:
        trade = _attempt(_trade, row, layout)
        batch.trades.append(trade)
        if isinstance(trade, Trade) and _is_overfilled(row):
            batch.overfilled.append(trade)
    batch.reports.extend(_attempt(_report, row[2:], layout) for row in rows.statuses.rows if row[2] is not None)
    batch.payments.extend(_attempt(_payment, row, layout) for row in rows.payments.rows)
    return batch


def _attempt(make: Any, row: Any, layout: _Layout) -> Any:
    try:
        return make(row, layout)
    except EventError as error:
        return error
    except (TypeError, ValueError):  # SQLite takes any value in any column
        return EventError("row", f"a row has a value of the wrong kind: {row!r:.200}")


def _trade(row: Any, layout: _Layout) -> Trade:
    _, _, market, symbol, strategy, timestamp, order_id, side, kind, price, amount, fee, trade_id, *_ = row
    return Trade(
        market=market,
        pair=symbol,
        strategy=strategy,
        ts=timestamp / 1000,
        order_id=order_id,
        side=side,
        order_type=kind,
        price=layout.number("price", price),
        quantity=layout.number("amount", amount),
        fee=_json(fee),
        trade_id=trade_id,
    )


def _is_overfilled(row: Any) -> bool:
    """Whether the fills of the order, up to this one, add up to more than was ordered, by more than rounding."""
    filled, ordered = row[-2:]
    return isinstance(ordered, int | float) and ordered > 0 and filled > ordered * 1.01


def _report(row: Any, layout: _Layout) -> OrderReport:
    market, symbol, strategy, timestamp, order_id, status, side, price, amount = row
    return OrderReport(
        market=market,
        pair=symbol,
        strategy=strategy,
        ts=timestamp / 1000,
        order_id=order_id,
        status=status,
        side=side,
        price=layout.number("price", price),
        quantity=layout.number("amount", amount),
    )


def _payment(row: Any, _: _Layout) -> Payment:
    _, _, market, symbol, timestamp, amount = row
    return Payment(market=market, pair=symbol, strategy="", time=timestamp, amount=number("amount", amount))


def _json(text: Any) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except (TypeError, ValueError):
        raise EventError("fee", f"trade_fee is {text!r:.60}; it must be JSON") from None


def _followed(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """The orders that the bot follows, by connector, as it noted when one of them last changed."""
    found: dict[str, set[str]] = {}
    for market, text in connection.execute("SELECT market, saved_state FROM MarketState"):
        try:
            state = json.loads(text)
        except (TypeError, ValueError):
            continue
        found.setdefault(market, set()).update(state if isinstance(state, dict) else ())
    return found


def _stands(report: OrderReport | EventError, followed: dict[str, set[str]]) -> bool:
    """Whether a report can be believed: that an order is open, only if the bot follows it, where it notes that."""
    if isinstance(report, EventError) or report.status not in _OPEN:
        return True
    return report.market not in followed or report.order_id in followed[report.market]
