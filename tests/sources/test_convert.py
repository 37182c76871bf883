"""ccxt's structures become events without losing a digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from exporter.config import Exchange
from exporter.errors import EventError
from exporter.events import Fee
from exporter.sources.ccxt import convert

ALPHA = Exchange(name="alpha", id="binance", account="main", strategy="maker", symbols=["BTC/USDT"])

TRADE: dict[str, Any] = {
    "id": "812",
    "order": "77",
    "symbol": "BTC/USDT",
    "timestamp": 1_760_000_000_125,
    "side": "buy",
    "takerOrMaker": "maker",
    "price": 60000.1,
    "amount": 0.3,
    "fee": {"currency": "BNB", "cost": 0.0001},
    "fees": [{"currency": "BNB", "cost": 0.0001}],
    "info": {},
}


def test_digits_come_from_the_text_that_the_exchange_sent() -> None:
    """A price with more digits than a float holds arrives whole."""
    exact: dict[str, Any] = {
        "price": "60000.123456789012345678",
        "amount": "0.000000000000000001",
        "fee": None,
        "fees": [],
    }
    fill = convert.fill({**TRADE, convert.EXACT: exact}, ALPHA)
    assert fill.price == Decimal("60000.123456789012345678")
    assert fill.quantity == Decimal("0.000000000000000001")


def test_a_trade_becomes_a_fill() -> None:
    """Names, times and money are those of the field."""
    fill = convert.fill(TRADE, ALPHA)
    assert (fill.exchange, fill.account, fill.strategy, fill.symbol) == ("alpha", "main", "maker", "BTC/USDT")
    assert (fill.trade_id, fill.order_id, fill.side, fill.liquidity) == ("812", "77", "buy", "maker")
    assert fill.ts == 1_760_000_000.125
    assert fill.fees == (Fee("BNB", Decimal("0.0001")),)


@pytest.mark.parametrize(
    ("fee", "fees", "expected"),
    [
        (None, None, ()),
        ({"currency": None, "cost": None}, [], ()),
        ({"currency": "USDT", "cost": 0.0}, [], (Fee("USDT", Decimal(0)),)),
        ({"currency": "USDT", "cost": -0.5}, None, (Fee("USDT", Decimal("-0.5")),)),
        (
            None,
            [{"currency": "USDT", "cost": 1}, {"currency": "BNB", "cost": 2}],
            (Fee("USDT", Decimal(1)), Fee("BNB", Decimal(2))),
        ),
    ],
)
def test_fees_of_every_shape(fee: object, fees: object, expected: tuple[Fee, ...]) -> None:
    """None, one, a rebate, and several currencies; what is missing is not a fee of zero."""
    trade = {**TRADE, "fee": fee, "fees": fees}
    assert convert.fill(trade, ALPHA).fees == expected


@pytest.mark.parametrize(
    ("fee", "known"),
    [
        (None, False),
        ({"currency": None, "cost": None}, False),
        ({"currency": None, "cost": 0.0}, True),
        ({"currency": "BNB", "cost": 0.1}, True),
    ],
)
def test_a_fee_of_nothing_is_known(fee: object, known: bool) -> None:
    """A market without fees has nothing to look up in the history; a fee that was left out has."""
    assert convert.has_fee({**TRADE, "fee": fee, "fees": []}) is known


def test_a_fee_in_an_unnamed_currency_is_refused() -> None:
    """A cost that cannot be converted is not taken as nothing."""
    with pytest.raises(EventError, match="name the currency"):
        convert.fill({**TRADE, "fee": {"currency": None, "cost": 5}, "fees": []}, ALPHA)


@pytest.mark.parametrize("missing", ["id", "symbol", "timestamp", "side", "price", "amount"])
def test_a_trade_that_lacks_something_is_refused(missing: str) -> None:
    """The message names what the exchange left out."""
    with pytest.raises(EventError, match=f"the exchange sent no {missing}"):
        convert.fill({**TRADE, missing: None}, ALPHA)


def test_a_price_that_is_no_number_is_refused() -> None:
    """Garbage in a number's place is named."""
    with pytest.raises(EventError, match="price is 'garbage'; it must be a number"):
        convert.fill({**TRADE, "price": "garbage"}, ALPHA)


@pytest.mark.parametrize(
    ("status", "filled", "expected"),
    [
        ("open", 0.0, "open"),
        ("open", 0.1, "partially_filled"),
        ("closed", 1.0, "filled"),
        ("canceled", 0.1, "canceled"),
        ("expired", 0.0, "expired"),
        ("rejected", 0.0, "rejected"),
    ],
)
def test_order_statuses(status: str, filled: float, expected: str) -> None:
    """ccxt's words become ours."""
    report = {"id": "1", "symbol": "BTC/USDT", "side": "sell", "status": status, "filled": filled, "price": 1.5}
    order = convert.order(report, ALPHA, now=5.0)
    assert (order.status, order.ts, order.price, order.quantity) == (expected, 5.0, Decimal("1.5"), None)


def test_an_unknown_order_status_is_refused() -> None:
    """A status that ccxt adds one day is an error that says so, not a guess."""
    with pytest.raises(EventError, match="order status 'odd' is not one of"):
        convert.order({"id": "1", "symbol": "BTC/USDT", "side": "sell", "status": "odd"}, ALPHA, now=5.0)
