"""The journal's events as text: JSON lines that can be pushed again, or a table for an accountant."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from exporter.events import Balance, Fill, Funding, Order, PositionReport, Transfer
from exporter.journal import inspect
from exporter.journal.inspect import Tell
from exporter.journal.records import Moved, Paid, Record, Reported, Revalued, Valued
from exporter.journal.rows import LASTING, PASSING, decode
from exporter.journal.times import moment

Exported = Fill | Funding | Transfer | Balance | PositionReport | Order

LASTING_KINDS: dict[str, type[Exported]] = {"fill": Fill, "funding": Funding, "transfer": Transfer}
KINDS = LASTING_KINDS | {"balance": Balance, "position": PositionReport, "order": Order}

_Identity = tuple[str, str, str, str]
_FORMULA = ("=", "@", "+", "-", "\t", "\r")  # what a spreadsheet takes a formula to begin with

COLUMNS = (
    *("time", "kind", "exchange", "account", "symbol", "strategy", "id", "order_id", "side", "liquidity"),
    *("price", "quantity", "contract_size", "value_usd", "fees", "fees_usd"),
    *("currency", "amount", "amount_usd", "mid", "rate_usd", "exact"),
)


class Journal(NamedTuple):
    """What to read, and its name for messages."""

    connection: sqlite3.Connection
    path: Path


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events: of these kinds, from ``since`` to before ``until``, and of the one account, symbol, exchange."""

    kinds: frozenset[str] = frozenset(KINDS)
    since: float = 0.0
    until: float = float("inf")
    exchange: str | None = None
    account: str | None = None
    symbol: str | None = None

    def takes(self, event: Exported) -> bool:
        """Whether the event is one of them."""
        return (
            self.since <= event.ts < self.until
            and str(event.__struct_config__.tag) in self.kinds
            and self.exchange in (None, event.exchange)
            and self.account in (None, event.account)
            and self.symbol in (None, getattr(event, "symbol", None))
        )


def records(journal: Journal, wanted: Filter) -> Iterator[tuple[Exported, Record]]:
    """The wanted events with the records that they are in, in the order in which they came."""
    for group, kinds in ((LASTING, LASTING_KINDS.keys()), (PASSING, KINDS.keys() - LASTING_KINDS.keys())):
        if not wanted.kinds & kinds:
            continue
        for row in inspect.rows(journal.connection, journal.path, group):
            if row.last_ts >= wanted.since and row.first_ts < wanted.until:
                for record in decode(row):
                    event = _event(record)
                    if event is not None and wanted.takes(event):
                        yield event, record


def to_ndjson(journal: Journal, wanted: Filter, out: IO[str], tell: Tell) -> None:
    """One JSON object a line, as ``POST /v1/events`` takes them."""
    encoder = msgspec.json.Encoder()
    for count, (event, _) in enumerate(records(journal, wanted)):
        out.write(encoder.encode(event).decode() + "\n")
        tell(count)


def to_csv(journal: Journal, wanted: Filter, out: IO[str], tell: Tell) -> None:
    """A table with a line for each fill, payment and transfer.

    Money in USD is at the rate of the event's own time; it is empty where that is not known yet.
    """
    later = _revalued(journal)
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for count, (event, record) in enumerate(records(journal, wanted)):
        if isinstance(record, Valued | Paid | Moved):
            writer.writerow({name: _cell(name, value) for name, value in _line(event, record, later).items()})
            tell(count)


def _event(record: Record) -> Exported | None:
    match record:
        case Valued(fill):
            return fill
        case Paid(funding):
            return funding
        case Moved(transfer):
            return transfer
        case Reported(event):
            return event
    return None


def _revalued(journal: Journal) -> dict[_Identity, Revalued]:
    """The prices that became known later; the last word on each event counts."""
    return {
        (record.exchange, record.account, record.symbol, record.identity): record
        for row in inspect.rows(journal.connection, journal.path, LASTING)
        for record in decode(row)
        if isinstance(record, Revalued)
    }


def _line(event: Exported, record: Valued | Paid | Moved, later: dict[_Identity, Revalued]) -> dict[str, Any]:
    line: dict[str, Any] = {
        "time": moment(event.ts),
        "kind": event.__struct_config__.tag,
        "exchange": event.exchange,
        "account": event.account,
        "symbol": getattr(event, "symbol", ""),
        "strategy": getattr(event, "strategy", ""),
    }
    match record:
        case Valued(fill):
            return line | _fill(fill, _priced(record, later))
        case Paid(funding):
            known = later.get((funding.exchange, funding.account, funding.symbol, funding.funding_id))
            rate = record.rate if known is None or record.rate is not None else known.rate
            return line | {"id": funding.funding_id} | _money(funding, rate, exact=record.exact)
        case Moved(transfer):
            return line | {"id": transfer.transfer_id} | _money(transfer, record.rate, exact=record.exact)


def _priced(record: Valued, later: dict[_Identity, Revalued]) -> Valued:
    fill = record.fill
    known = later.get((fill.exchange, fill.account, fill.symbol, fill.trade_id))
    return record if known is None else Valued(fill, known.mid, known.rate, known.fee_rates, exact=known.exact)


def _fill(fill: Fill, record: Valued) -> dict[str, Any]:
    rates = record.fee_rates
    paid = None if rates is None else [fee.amount * rate for fee, rate in zip(fill.fees, rates, strict=False)]
    return {
        "id": fill.trade_id,
        "order_id": fill.order_id,
        "side": fill.side,
        "liquidity": fill.liquidity,
        "price": fill.price,
        "quantity": fill.quantity,
        "contract_size": fill.contract_size,
        "value_usd": None if record.rate is None else _worth(fill) * record.rate,
        "fees": " + ".join(f"{fee.amount:f} {fee.currency}" for fee in fill.fees),
        "fees_usd": None if paid is None else sum(paid, Decimal(0)),
        "mid": record.mid,
        "rate_usd": record.rate,
        "exact": "yes" if record.exact else "no",
    }


def _worth(fill: Fill) -> Decimal:
    """What was traded, in the settlement currency: of an inverse contract, the base currency."""
    amount = fill.quantity * fill.contract_size
    base, _, rest = fill.symbol.partition("/")
    return amount / fill.price if rest.partition(":")[2] == base else amount * fill.price


def _money(event: Funding | Transfer, rate: Decimal | None, *, exact: bool) -> dict[str, Any]:
    return {
        "currency": event.currency,
        "amount": event.amount,
        "amount_usd": None if rate is None else event.amount * rate,
        "rate_usd": rate,
        "exact": "yes" if exact else "no",
    }


def _cell(name: str, value: object) -> str:
    """The text of a cell: digits without exponent, and nothing that a spreadsheet would run as a formula."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value)
    return f"'{text}" if text[:1] in _FORMULA and name != "fees" else text
