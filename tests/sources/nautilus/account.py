"""Nautilus's own account of a run beside the exporter's books."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from exporter.events import ZERO
from exporter.state.state import State

SYMBOLS = {
    "BTCUSDT.BINANCE": ("binance", "BTC/USDT"),
    "XRPUSDT-LINEAR.BYBIT": ("bybit", "XRP/USDT:USDT"),
    "BTC/USD.BITMEX": ("bitmex", "BTC/USD:BTC"),
}
FUNDS = {"USDT": Decimal(1_000_000), "BTC": Decimal(10), "BNB": Decimal(100)}  # that each venue begins with
_ROUNDING = Decimal("0.00000001")  # nautilus rounds each amount of money to eight digits

Key = tuple[str, str]


def sums(pairs: Iterable[tuple[Any, Decimal]]) -> dict[Any, Decimal]:
    """What belongs to each key, added up."""
    found: defaultdict[Any, Decimal] = defaultdict(Decimal)
    for key, amount in pairs:
        found[key] += amount
    return {key: amount for key, amount in found.items() if amount}


def bought(report: dict[str, Any]) -> dict[Key, Decimal]:
    """The position in each market, by nautilus's fills."""
    signs = {"BUY": 1, "SELL": -1}
    return sums((SYMBOLS[f["instrument"]], signs[f["side"]] * Decimal(f["quantity"])) for f in report["fills"])


def commissions(report: dict[str, Any]) -> dict[tuple[Key, str], Decimal]:
    """Commissions by market and currency."""
    paid = ((SYMBOLS[f["instrument"]], *f["commission"].split()) for f in report["fills"])
    return sums(((key, currency), Decimal(amount)) for key, amount, currency in paid)


def check(state: State, report: dict[str, Any]) -> None:
    """Positions, volumes, commissions and realised PnL of the books are nautilus's own."""
    books = {(key.exchange, key.symbol): book for key, book in state.ledger.books.items()}
    assert {key: sum(split.count for split in book.sums.splits.values()) for key, book in books.items()} == {
        key: int(count) for key, count in sums((SYMBOLS[f["instrument"]], Decimal(1)) for f in report["fills"]).items()
    }
    fees = ((key, book.sums.fee_amounts) for key, book in books.items())
    assert sums(((key, name), fee) for key, paid in fees for name, fee in paid.items()) == commissions(report)
    for key, quantity in bought(report).items():
        base = books[key].sums.fee_amounts.get("BTC", ZERO) if key[1] == "BTC/USDT" else ZERO
        assert books[key].running.position.quantity == quantity - base, key
    _check_contracts(state, report)


def _check_contracts(state: State, report: dict[str, Any]) -> None:
    """Contracts change their account's balance by what they realise less commissions.

    The positions in the report are no measure: nautilus forgets what a position had realised when it flips.
    """
    for key, book in state.ledger.books.items():
        settle = key.symbol.rpartition(":")[2]
        if settle == key.symbol:
            continue
        held = Decimal(report["balances"][f"{key.exchange.upper()}-{key.account}"][settle].split()[0])
        gained = book.running.gained - book.sums.fee_amounts[settle]
        changes = 3 * len(report["fills"])  # each is rounded, the two parts of a flip apart
        assert abs(held - FUNDS[settle] - gained) <= changes * _ROUNDING, (key, held, gained)
