"""Hummingbot's fee of a trade → fees, each amount once.

The JSON is ``{"fee_type", "percent", "percent_token", "flat_fees": [{"token", "amount"}]}``. Connectors that
hear from the exchange what was charged put it into ``flat_fees``; the others estimate, with ``percent``, which
is a share (0.001 is a tenth of a percent). The two are different fees and add up. ``trade_fee_in_quote``,
beside it in the database, is the sum of the same fees at some rate and is not looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from exporter.errors import EventError
from exporter.events import ZERO, Fee, Side
from exporter.sources.hummingbot.values import number


def paid(fee: Any, symbol: str, side: Side, price: Decimal, quantity: Decimal) -> Fee | tuple[Fee, ...] | None:
    """The fees by currency; `EventError` for what is no fee."""
    if not isinstance(fee, Mapping):
        raise EventError("fee", f"trade_fee is {fee!r:.60}; it must be an object with percent and flat_fees")
    amounts: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for token, amount in _flat(fee.get("flat_fees") or ()):
        amounts[token] += amount
    percent = number("fee", fee.get("percent") or 0)
    if percent:
        token, amount = _percentage(fee, percent, symbol, side, price, quantity)
        amounts[token] += amount
    fees = tuple(Fee(token, amount) for token, amount in amounts.items())
    return fees[0] if len(fees) == 1 else fees or None


def _flat(listed: Any) -> Iterator[tuple[str, Decimal]]:
    """Token and amount of each flat fee, in the forms that hummingbot has had over the years."""
    if not isinstance(listed, list | tuple):
        raise EventError("fee", f"flat_fees is {listed!r:.60}; it must be a list")
    for each in listed:
        if isinstance(each, Mapping):
            token, amount = each.get("token") or each.get("asset"), each.get("amount")
        elif isinstance(each, list | tuple) and len(each) == 2:
            token, amount = each
        else:
            raise EventError("fee", f"a flat fee is {each!r:.60}; it must name token and amount")
        value = number("fee", amount)
        if token or value:
            yield str(token or ""), value


def _percentage(  # noqa: PLR0913, PLR0917 - a fee by percentage depends on all of them
    fee: Mapping[str, Any], percent: Decimal, symbol: str, side: Side, price: Decimal, quantity: Decimal
) -> tuple[str, Decimal]:
    """The token and amount of a fee by percentage.

    A spot purchase from whose return it is deducted pays in what it bought, all else in the quote or settlement
    currency. Of a fee in a third token, hummingbot keeps neither the amount nor the rate, only what it is worth:
    it is given in the quote currency.
    """
    pair, _, settle = symbol.partition(":")
    base, _, quote = pair.partition("/")
    in_base = fee.get("percent_token") == base
    if fee.get("percent_token") is None and not settle:
        in_base = side == "buy" and fee.get("fee_type") == "DeductedFromReturns"
    return (base, quantity * percent) if in_base else (settle or quote, price * quantity * percent)
