"""Contracts in the engine: positions, what closing them realises, funding, and money that moves."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.dialects.binance_futures import BinanceCoinm, BinanceUsdm
from simulator.engine.exchange import Exchange
from simulator.engine.fees import FeeAsset, FeeSchedule
from simulator.engine.instruments import KNOWN, Instrument
from simulator.engine.money import MovementKind
from simulator.engine.orders import Kind, OrderRequest, Reason, Refusal, Side
from simulator.engine.positions import Position

D = Decimal
LINEAR = BinanceUsdm().listed([KNOWN["BTC/USDT"]])[0]
INVERSE = BinanceCoinm().listed([KNOWN["BTC/USDT"]])[0]
FREE = FeeSchedule(D(0), D(0), FeeAsset.QUOTE)


def fresh(instrument: Instrument, balance: str = "1000", fees: FeeSchedule = FREE) -> Exchange:
    """An exchange for one contract, with a market at 50 000."""
    exchange = Exchange("alpha", [instrument], {instrument.settle: D(balance)}, fees)
    move(exchange, 50_000)
    return exchange


def move(exchange: Exchange, price: int) -> None:
    (symbol,) = exchange.instruments
    exchange.set_market(symbol, {D(price): D(10_000)}, {D(price + 10): D(10_000)}, 1)
    exchange.publish(symbol, 1)


def trade(exchange: Exchange, side: str, quantity: str) -> Decimal:
    """Take liquidity; gives what that realised."""
    (symbol,) = exchange.instruments
    request = OrderRequest(symbol, Side(side), Kind.MARKET, D(quantity), client_id=f"{len(exchange.orders)}")
    return sum((fill.realized for fill in exchange.place(request, 2).fills), D(0))


def test_symbols_and_ids_are_those_of_the_real_exchange() -> None:
    """A contract's symbol names its settlement currency, and an inverse one's id says that it is perpetual."""
    assert (LINEAR.symbol, LINEAR.market_id) == ("BTC/USDT:USDT", "BTCUSDT")
    assert (INVERSE.symbol, INVERSE.market_id, INVERSE.contract_size) == ("BTC/USD:BTC", "BTCUSD_PERP", D(100))


def test_a_linear_position_goes_through_zero() -> None:
    """What closes realises the difference to the average entry, and what goes beyond opens at its own price."""
    exchange = fresh(LINEAR)
    assert trade(exchange, "buy", "1") == 0  # at 50 010
    move(exchange, 50_500)
    assert trade(exchange, "buy", "1") == 0  # at 50 510, so that the average is 50 260
    assert trade(exchange, "sell", "3") == 480  # two of them, at 50 500
    assert exchange.positions[LINEAR.symbol].quantity == -1
    move(exchange, 49_990)
    assert trade(exchange, "buy", "1") == 500
    assert not exchange.positions[LINEAR.symbol].quantity
    assert not exchange.positions[LINEAR.symbol].cost
    assert exchange.account.total("USDT") == 1980


def test_an_inverse_position_gains_coins() -> None:
    """A short of 10 000 dollars, opened at 50 000 for 0.2 coins, owes 0.25 coins at 40 000, and the other way round."""
    exchange = fresh(INVERSE, "1")
    trade(exchange, "sell", "100")
    move(exchange, 39_990)
    assert trade(exchange, "buy", "100") == D("0.05")
    assert exchange.account.total("BTC") == D("1.05")


@given(st.lists(st.tuples(st.integers(-5, 5).filter(bool), st.integers(1, 9)), max_size=30))
def test_positions_keep_what_they_cost(trades: list[tuple[int, int]]) -> None:
    """Realised and open results together are what was paid and what the rest is worth, whatever the order."""
    position, realized, cash = Position(), Fraction(0), Fraction(0)
    for quantity, price in trades:
        realized += position.trade(D(quantity), Fraction(price))
        cash -= quantity * price
    assert cash + position.cost == realized
    assert position.quantity == sum(quantity for quantity, _ in trades)
    assert position.quantity or not position.cost


@pytest.mark.parametrize(
    ("instrument", "side", "paid"), [(LINEAR, "buy", "-1.00010000"), (LINEAR, "sell", "1.00010000")]
)
def test_longs_pay_shorts_when_the_rate_is_positive(instrument: Instrument, side: str, paid: str) -> None:
    """Funding is a share of the position's worth at the mid, and is in the wallet at once."""
    exchange = fresh(instrument)
    trade(exchange, side, "0.2")
    before = exchange.account.total("USDT")
    movement = exchange.fund(instrument.symbol, D("0.0001"), 3)
    assert movement is not None
    assert (movement.amount, movement.symbol) == (D(paid), instrument.symbol)
    assert exchange.account.total("USDT") - before == movement.amount


def test_nobody_without_a_position_pays_funding() -> None:
    """A flat account has no payment on record, and a name that is no contract here is refused."""
    exchange = fresh(LINEAR)
    assert exchange.fund(LINEAR.symbol, D("0.0001"), 3) is None
    assert exchange.movements == []
    with pytest.raises(Refusal) as refused:
        exchange.fund("BTC/USDT", D("0.0001"), 3)
    assert refused.value.reason is Reason.UNKNOWN_SYMBOL


def test_fees_of_contracts_are_in_the_settlement_currency() -> None:
    """Where no token pays them, whatever the side."""
    exchange = fresh(INVERSE, "1", FeeSchedule(D(0), D("0.001"), FeeAsset.RECEIVED))
    trade(exchange, "sell", "50")
    (fill,) = exchange.fills
    assert (fill.commission_asset, fill.commission) == ("BTC", D("0.00009999"))
    assert exchange.account.total("BTC") == 1 - fill.commission


def test_a_wallet_may_end_in_debt_but_an_empty_one_opens_nothing() -> None:
    """A loss is booked whole, and then no order is accepted."""
    exchange = fresh(LINEAR, "100")
    trade(exchange, "buy", "1")
    move(exchange, 40_000)
    trade(exchange, "sell", "1")
    assert exchange.account.total("USDT") == -9910
    with pytest.raises(Refusal) as refused:
        trade(exchange, "buy", "1")
    assert refused.value.reason is Reason.INSUFFICIENT


def test_a_deposit_under_way_is_announced_and_credited_later() -> None:
    """It is on record at once, and in the balance when it is done; a withdrawal leaves with its fee at once."""
    exchange = fresh(LINEAR, "10")
    number = exchange.move(MovementKind.DEPOSIT, "USDT", D(5), 2, is_done=False).id
    assert exchange.account.total("USDT") == 10
    assert exchange.finish(number, 3).is_done
    assert exchange.account.total("USDT") == 15
    exchange.move(MovementKind.WITHDRAWAL, "USDT", D(-7), 4, fee=D(1), is_done=False)
    assert exchange.account.total("USDT") == 7
    with pytest.raises(LookupError, match="no movement 1 is under way"):
        exchange.finish(number, 5)
    with pytest.raises(ValueError, match="more than what is free"):
        exchange.move(MovementKind.WITHDRAWAL, "USDT", D(-8), 6)
