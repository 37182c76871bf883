"""A market replayed from the exchange's public dump files, re-based to now."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO

from simulator.engine.exchange import Exchange
from simulator.engine.instruments import KNOWN, Instrument
from simulator.engine.orders import Side

TRADE_COLUMNS = ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker")
QUOTE_COLUMNS = ("best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty", "transaction_time")
NEEDED_OF_TRADES = ("price", "qty", "time", "is_buyer_maker")
MICROSECONDS = 10**14
"""Times beyond this are in microseconds, as in newer dumps: as milliseconds they would be after year 5000."""
FINEST = Decimal("0.00000001")


class ReplayError(Exception):
    """A dump file cannot be used; the message says which file, which line and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class TapeTrade:
    """One recorded trade; ``time`` in milliseconds as recorded."""

    time: int
    price: Decimal
    quantity: Decimal
    aggressor: Side


@dataclass(frozen=True, slots=True)
class TapeQuote:
    """One recorded best bid and ask; ``time`` in milliseconds as recorded."""

    time: int
    bid: Decimal
    bid_quantity: Decimal
    ask: Decimal
    ask_quantity: Decimal


Recorded = TapeTrade | TapeQuote


def load(trades: Path | None, quotes: Path | None, instrument: Instrument) -> list[Recorded]:
    """Read dump files (CSV, also ``.gz`` or ``.zip``) into one list in order of time.

    With no quotes, the best prices are taken from the trades: each trade shows the price of the side it
    hit. Prices and quantities are rounded to the tick and the lot, which also removes the float noise that
    some dumps carry. Raises ReplayError.
    """
    recorded: list[Recorded] = []
    if quotes is not None:
        recorded += _quotes(quotes, instrument)
    if trades is not None:
        tape = list(_trades(trades, instrument))
        recorded += tape if quotes is not None else _with_quotes(tape, instrument)
    if not any(isinstance(row, TapeQuote) for row in recorded):
        msg = f"{quotes or trades}: there is no usable row in it"
        raise ReplayError(msg)
    # Stable: of one millisecond, the quote comes before the trades.
    return sorted(recorded, key=lambda row: row.time)


def instrument_for(symbol: str, trades: Path | None, quotes: Path | None) -> Instrument:
    """Return the instrument of ``symbol``; of an unknown one, tick and lot are read off the files."""
    if symbol in KNOWN:
        return KNOWN[symbol]
    base, _, quote = symbol.partition("/")
    if not base or not quote:
        msg = f"the symbol to replay is {symbol!r}: write it as BASE/QUOTE, such as BTC/USDT"
        raise ReplayError(msg)
    raw = Instrument(base, quote, FINEST, FINEST, Decimal(0))
    rows = load(trades, quotes, raw)
    prices = [r.price for r in rows if isinstance(r, TapeTrade)] + [r.bid for r in rows if isinstance(r, TapeQuote)]
    sizes = [r.quantity if isinstance(r, TapeTrade) else r.bid_quantity for r in rows]
    return Instrument(base, quote, _step(prices), _step(sizes), Decimal(0))


def _step(values: Iterable[Decimal]) -> Decimal:
    exponents = (value.normalize().as_tuple().exponent for value in values)
    return Decimal(1).scaleb(min((e for e in exponents if isinstance(e, int) and e < 0), default=0))


def _trades(path: Path, instrument: Instrument) -> Iterator[TapeTrade]:
    for line, row in _rows(path, TRADE_COLUMNS, NEEDED_OF_TRADES):
        where = f"{path}, line {line}"
        quantity = instrument.quantity(_number(row, "qty", where))
        if quantity <= 0:
            continue  # less than a lot
        yield TapeTrade(
            time=_time(row, "time", where),
            price=instrument.price(_number(row, "price", where)),
            quantity=quantity,
            aggressor=Side.SELL if _flag(row, "is_buyer_maker", where) else Side.BUY,
        )


def _quotes(path: Path, instrument: Instrument) -> Iterator[TapeQuote]:
    for line, row in _rows(path, QUOTE_COLUMNS, QUOTE_COLUMNS):
        where = f"{path}, line {line}"
        bid, ask = (instrument.price(_number(row, f"best_{side}_price", where)) for side in ("bid", "ask"))
        if bid >= ask:
            msg = f"{where}: the best bid {bid} is not below the best ask {ask}"
            raise ReplayError(msg)
        sizes = (instrument.quantity(_number(row, f"best_{side}_qty", where)) for side in ("bid", "ask"))
        bid_quantity, ask_quantity = (max(size, instrument.lot) for size in sizes)
        yield TapeQuote(_time(row, "transaction_time", where), bid, bid_quantity, ask, ask_quantity)


def _with_quotes(tape: Sequence[TapeTrade], instrument: Instrument) -> Iterator[Recorded]:
    """Yield each trade after the quote that it shows."""
    if not tape:
        return
    first, tick = tape[0], instrument.tick
    sells = first.aggressor is Side.SELL
    bid, ask = (first.price, first.price + tick) if sells else (first.price - tick, first.price)
    for trade in tape:
        if trade.aggressor is Side.SELL:
            bid, ask = trade.price, max(ask, trade.price + tick)
        else:
            bid, ask = min(bid, trade.price - tick), trade.price
        yield TapeQuote(trade.time, bid, trade.quantity, ask, trade.quantity)
        yield trade


def _rows(path: Path, columns: Sequence[str], needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row); a file without a header line has the columns in their documented order."""
    with _opened(path) as file:
        reader = csv.reader(file)
        header = next(reader, None)
        if header is None:
            msg = f"{path}: the file is empty"
            raise ReplayError(msg)
        if _is_number(header[0]):
            if len(header) < len(columns):
                msg = f"{path}: a file without a header needs the columns {', '.join(columns)}"
                raise ReplayError(msg)
            yield 1, dict(zip(columns, header, strict=False))
            header = list(columns)
        missing = [column for column in needed if column not in header]
        if missing:
            msg = f"{path}: missing column(s) {', '.join(missing)}; it has {', '.join(header)}"
            raise ReplayError(msg)
        for row in reader:
            yield reader.line_num, dict(zip(header, row, strict=False))


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", newline="") as file:
                yield file
        elif path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as member:
                yield io.TextIOWrapper(member, newline="")
        else:
            with path.open(newline="") as file:
                yield file
    except (OSError, EOFError, UnicodeDecodeError, zipfile.BadZipFile, csv.Error) as error:
        msg = f"{path}: cannot be read: {error}"
        raise ReplayError(msg) from error


def _is_number(field: str) -> bool:
    try:
        Decimal(field)
    except InvalidOperation:
        return False
    return True


def _number(row: dict[str, str], column: str, where: str) -> Decimal:
    try:
        value = Decimal(row[column])
    except KeyError:
        msg = f"{where}: column {column} is missing, the line is too short"
        raise ReplayError(msg) from None
    except InvalidOperation:
        msg = f"{where}: column {column} is {row[column]!r}, not a number"
        raise ReplayError(msg) from None
    if not value.is_finite() or value < 0:
        msg = f"{where}: column {column} is {row[column]!r}, not a positive number"
        raise ReplayError(msg)
    return value


def _time(row: dict[str, str], column: str, where: str) -> int:
    value = int(_number(row, column, where))
    return value // 1000 if value > MICROSECONDS else value


def _flag(row: dict[str, str], column: str, where: str) -> bool:
    value = row.get(column, "").lower()
    if value not in ("true", "false"):
        msg = f"{where}: column {column} is {value!r}, neither True nor False"
        raise ReplayError(msg)
    return value == "true"


class ReplayMarket:
    """Plays a recording on one symbol; when it ends, the book stays at the last quote.

    Recorded times are re-based: the first row happens when the replay starts, and the time between rows is
    divided by ``speed``. Until `start`, the book shows the first quote.
    """

    def __init__(self, exchange: Exchange, symbol: str, recorded: Sequence[Recorded], speed: float) -> None:
        self._exchange = exchange
        self._symbol = symbol
        self._recorded = recorded
        self._speed = speed
        self._next = 0
        self._started: int | None = None
        self._quote = next(row for row in recorded if isinstance(row, TapeQuote))
        self._show(0)

    @property
    def state(self) -> str:
        """One of ``waiting``, ``running``, ``finished``."""
        if self._started is None:
            return "waiting"
        return "finished" if self._next == len(self._recorded) else "running"

    def start(self, now: int) -> None:
        """Let the first row happen at ``now`` (ms); does nothing when it already runs."""
        if self._started is None:
            self._started = now

    def advance(self, now: int) -> None:
        """Play the rows that are due at ``now`` (ms), in order."""
        if self._started is None:
            return
        reached = self._recorded[0].time + (now - self._started) * self._speed
        while self._next < len(self._recorded) and self._recorded[self._next].time <= reached:
            self._play(self._recorded[self._next], now)
            self._next += 1

    def before_publication(self, now: int) -> None:
        """Restore what was taken from the quote since it was last shown."""
        if self._exchange.book(self._symbol).consumed:
            self._show(now)

    def _play(self, row: Recorded, now: int) -> None:
        if isinstance(row, TapeTrade):
            self._exchange.print_trade(self._symbol, row.aggressor, row.price, row.quantity, now)
        else:
            self._quote = row
            self._show(now)

    def _show(self, now: int) -> None:
        quote = self._quote
        bids, asks = {quote.bid: quote.bid_quantity}, {quote.ask: quote.ask_quantity}
        self._exchange.set_market(self._symbol, bids, asks, now)
