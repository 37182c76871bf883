"""The journal's events as text: JSON lines that can be pushed again, or a table for an accountant."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from exporter.events import Balance, Fill, Funding, Order, PositionReport, Transfer
from exporter.journal import inspect
from exporter.journal.inspect import Tell
from exporter.journal.records import Moved, Paid, Record, Reported, Revalued, Valued, identity
from exporter.journal.rows import LASTING, PASSING, decode
from exporter.journal.times import moment

Exported = Fill | Funding | Transfer | Balance | PositionReport | Order

LASTING_KINDS: dict[str, type[Exported]] = {"fill": Fill, "funding": Funding, "transfer": Transfer}
KINDS = LASTING_KINDS | {"balance": Balance, "position": PositionReport, "order": Order}

Worth = Callable[[Fill], Decimal]
"""What was traded, in the settlement currency."""

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


def to_csv(journal: Journal, wanted: Filter, out: IO[str], tell: Tell, worth: Worth) -> None:
    """A table with a line for each fill, payment and transfer.

    Money in USD is at the rate of the event's own time; it is empty where that is not known yet.
    """
    later = _revalued(journal)
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for count, (event, record) in enumerate(records(journal, wanted)):
        if isinstance(record, Valued | Paid | Moved):
            known = later.get((event.exchange, event.account, getattr(event, "symbol", ""), identity(record)))
            line = _line(event, record, known, worth)
            writer.writerow({name: _cell(name, value) for name, value in line.items()})
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


def _line(event: Exported, record: Valued | Paid | Moved, known: Revalued | None, worth: Worth) -> dict[str, Any]:
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
            return line | _fill(fill, _priced(record, known), worth)
        case Paid(funding):
            return line | {"id": funding.funding_id} | _money(funding, record, known)
        case Moved(transfer):
            return line | {"id": transfer.transfer_id} | _money(transfer, record, known)


def _priced(record: Valued, known: Revalued | None) -> Valued:
    """The fill with what became known later; fee rates that were known at first were accounted for as they were."""
    if known is None:
        return record
    fee_rates = known.fee_rates if record.fee_rates is None else record.fee_rates
    return Valued(record.fill, known.mid, known.rate, fee_rates, exact=known.exact)


def _fill(fill: Fill, record: Valued, worth: Worth) -> dict[str, Any]:
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
        "value_usd": None if record.rate is None else worth(fill) * record.rate,
        "fees": " + ".join(f"{fee.amount:f} {fee.currency}" for fee in fill.fees),
        "fees_usd": None if paid is None else sum(paid, Decimal(0)),
        "mid": record.mid,
        "rate_usd": record.rate,
        "exact": _yes(record.rate is not None and record.exact),
    }


def _money(event: Funding | Transfer, record: Paid | Moved, known: Revalued | None) -> dict[str, Any]:
    source = record if known is None or record.rate is not None else known
    rate = source.rate
    return {
        "currency": event.currency,
        "amount": event.amount,
        "amount_usd": None if rate is None else event.amount * rate,
        "rate_usd": rate,
        "exact": _yes(rate is not None and source.exact),
    }


def _yes(fact: bool) -> str:
    return "yes" if fact else "no"


def _cell(name: str, value: object) -> str:
    """The text of a cell: digits without exponent, and nothing that a spreadsheet would run as a formula."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value)
    return f"'{text}" if text[:1] in _FORMULA and name != "fees" else text
