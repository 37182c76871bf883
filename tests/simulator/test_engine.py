from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engine.exchange import Exchange
from simulator.engine.fees import FeeAsset, FeeSchedule
from simulator.engine.instruments import KNOWN
from simulator.engine.orders import (
    Event,
    Fill,
    Kind,
    Order,
    OrderChanged,
    OrderRequest,
    Publication,
    Reason,
    Refusal,
    Side,
    Status,
    TimeInForce,
)

BTC, BNB = KNOWN["BTC/USDT"], KNOWN["BNB/USDT"]
INITIAL = {"USDT": Decimal(3000), "BTC": Decimal("0.05"), "BNB": Decimal("0.01")}
D = Decimal


def fresh(fees: FeeSchedule | None = None, balances: dict[str, Decimal] | None = None) -> Exchange:
    exchange = Exchange("alpha", [BTC, BNB], balances or INITIAL, fees or FeeSchedule())
    exchange.set_market("BTC/USDT", {D(50000): D("0.02")}, {D(50010): D("0.02")}, 1)
    exchange.set_market("BNB/USDT", {D(500): D(10)}, {D(501): D(10)}, 1)
    for symbol in exchange.instruments:
        exchange.publish(symbol, 1)
    return exchange


def limit(side: str, quantity: str, price: str, kind: Kind = Kind.LIMIT, client_id: str = "") -> OrderRequest:
    name = client_id or f"{side}{quantity}at{price}"
    return OrderRequest("BTC/USDT", Side(side), kind, D(quantity), D(price), client_id=name)


# -- the rules, one by one


def test_a_trade_strictly_through_a_resting_price_fills_it_and_one_at_it_does_not() -> None:
    """A resting order fills by trades of others that went through its price."""
    exchange = fresh()
    order = exchange.place(limit("buy", "0.01", "49990"), 2)
    exchange.print_trade("BTC/USDT", Side.SELL, D(49990), D(1), 3)
    assert order.filled == 0
    exchange.print_trade("BTC/USDT", Side.SELL, D("49989.99"), D("0.004"), 4)
    assert (order.filled, order.status) == (D("0.004"), Status.PARTIALLY_FILLED)
    exchange.print_trade("BTC/USDT", Side.BUY, D(50010), D(5), 5)
    assert order.filled == D("0.004")
    exchange.print_trade("BTC/USDT", Side.SELL, D(49000), D(5), 6)
    assert (order.filled, order.status, order.quote_filled) == (D("0.01"), Status.FILLED, D("499.9"))


def test_a_quote_that_crosses_a_resting_order_fills_as_much_as_it_offers() -> None:
    """The opposite best quote fills a resting order at the order's price, up to the quote's quantity."""
    exchange = fresh()
    order = exchange.place(limit("buy", "0.01", "50005"), 2)
    exchange.set_market("BTC/USDT", {D(49990): D(1)}, {D(50000): D("0.003"), D(50004): D("0.002"), D(50006): D(1)}, 3)
    assert [(f.price, f.quantity, f.is_maker) for f in exchange.fills] == [(D(50005), D("0.005"), True)]
    assert order.status is Status.PARTIALLY_FILLED
    publication = exchange.publish("BTC/USDT", 4)
    assert publication is not None
    assert (publication.best_bid, publication.best_ask) == ((D(50005), D("0.005")), (D(50006), D(1)))


def test_a_third_party_order_respects_price_and_then_the_outside_before_us() -> None:
    """Better prices go first; at one price the outside stood there before our order."""
    exchange = fresh()
    exchange.place(limit("buy", "0.01", "50000"), 2)
    exchange.place(limit("buy", "0.01", "50001"), 2)
    left = exchange.market_order("BTC/USDT", Side.SELL, D("0.035"), 3)
    assert left == 0
    assert [(f.price, f.quantity) for f in exchange.fills] == [(D(50001), D("0.01")), (D(50000), D("0.005"))]
    assert [(t.price, t.quantity) for t in exchange.tape["BTC/USDT"]] == [
        (D(50001), D("0.01")),
        (D(50000), D("0.02")),
        (D(50000), D("0.005")),
    ]


def test_an_order_that_crosses_takes_and_the_rest_rests() -> None:
    """A limit order takes what it reaches at the book's prices and rests with what is left."""
    exchange = fresh()
    order = exchange.place(limit("buy", "0.03", "50010"), 2)
    assert (order.filled, order.status) == (D("0.02"), Status.PARTIALLY_FILLED)
    assert [(f.is_maker, f.price) for f in exchange.fills] == [(False, D(50010))]
    assert exchange.account.locked("USDT") == D("500.1")


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (limit("buy", "0.01", "50010", Kind.LIMIT_MAKER), Reason.WOULD_TAKE),
        (limit("buy", "1", "49000"), Reason.INSUFFICIENT),
        (limit("sell", "0.06", "51000"), Reason.INSUFFICIENT),
        (limit("buy", "0.01", "49000.001"), Reason.PRICE),
        (limit("buy", "0.0100001", "49000"), Reason.QUANTITY),
        (limit("buy", "0.00001", "49000"), Reason.NOTIONAL),
    ],
)
def test_what_cannot_be_accepted_is_refused_with_its_reason(request_: OrderRequest, reason: Reason) -> None:
    """A refusal says why, and leaves books and balances as they were."""
    exchange = fresh()
    with pytest.raises(Refusal) as refusal:
        exchange.place(request_, 2)
    assert refusal.value.reason is reason
    assert exchange.open_orders() == []
    assert {asset: exchange.account.free(asset) for asset in INITIAL} == INITIAL
    assert all(order.status is Status.REJECTED for order in exchange.orders.values())


def test_an_account_does_not_trade_with_itself() -> None:
    """An own resting order in the way of a new one gives way, after better outside levels."""
    exchange = fresh()
    resting = exchange.place(limit("sell", "0.01", "50012"), 2)
    taker = exchange.place(limit("buy", "0.03", "50020"), 3)
    assert resting.status is Status.EXPIRED_IN_MATCH
    assert (taker.filled, taker.remaining) == (D("0.02"), D("0.01"))
    assert exchange.account.locked("BTC") == 0


@pytest.mark.parametrize(("time_in_force", "filled"), [(TimeInForce.IOC, D("0.02")), (TimeInForce.FOK, D(0))])
def test_immediate_orders_never_rest(time_in_force: TimeInForce, filled: Decimal) -> None:
    """Immediate-or-cancel takes what there is; fill-or-kill all or nothing."""
    exchange = fresh()
    request = OrderRequest("BTC/USDT", Side.BUY, Kind.LIMIT, D("0.03"), D(50010), time_in_force, "x")
    order = exchange.place(request, 2)
    assert (order.filled, order.status) == (filled, Status.EXPIRED)
    assert exchange.open_orders() == []


@pytest.mark.parametrize(
    ("asset", "side", "expected"),
    [
        (FeeAsset.BNB, "buy", ("BNB", D("0.00099920"))),  # 50010 x 0.01 x 0.001 / 500.5
        (FeeAsset.QUOTE, "buy", ("USDT", D("0.50010000"))),
        (FeeAsset.RECEIVED, "buy", ("BTC", D("0.00001000"))),  # priced with the mid of 50005
        (FeeAsset.RECEIVED, "sell", ("USDT", D("0.50000000"))),
    ],
)
def test_fees_are_paid_in_the_asset_asked_for(asset: FeeAsset, side: str, expected: tuple[str, Decimal]) -> None:
    """The commission is the rate times the notional, in the fee asset at its published mid."""
    exchange = fresh(FeeSchedule(asset=asset))
    exchange.place(limit(side, "0.01", "50010" if side == "buy" else "50000"), 2)
    fill = exchange.fills[0]
    assert (fill.commission_asset, fill.commission) == expected


def test_without_enough_of_the_token_the_fee_comes_from_what_was_received() -> None:
    """A fee that the BNB balance cannot pay is charged in the received asset instead."""
    exchange = fresh(balances={"USDT": D(3000), "BTC": D(1), "BNB": D(0)})
    exchange.place(limit("buy", "0.01", "50010"), 2)
    assert exchange.fills[0].commission_asset == "BTC"
    assert exchange.account.free("BNB") == 0


def test_a_negative_maker_rate_pays_the_maker() -> None:
    """A rebate is a negative commission and raises the balance."""
    exchange = fresh(FeeSchedule(maker=D("-0.0001"), asset=FeeAsset.QUOTE))
    exchange.place(limit("buy", "0.01", "50000"), 2)
    exchange.market_order("BTC/USDT", Side.SELL, D("0.03"), 3)
    assert exchange.fills[0].commission == D("-0.05")
    assert exchange.account.free("USDT") == D(3000) - D(500) + D("0.05")


def test_only_changes_are_published_with_contiguous_ids() -> None:
    """A publication lists exactly the changed levels, and nothing changed means no publication."""
    exchange = fresh()
    assert exchange.publish("BTC/USDT", 5) is None
    before = exchange.book("BTC/USDT").last_update
    exchange.place(limit("buy", "0.01", "49999"), 6)
    publication = exchange.publish("BTC/USDT", 7)
    assert publication is not None
    assert (publication.bids, publication.asks) == (((D(49999), D("0.010000")),), ())
    assert (publication.first_update, publication.last_update) == (before + 1, before + 1)


# -- whatever happens

PRICES = st.integers(4990, 5010).map(lambda n: D(n) * 10)
QUANTITIES = st.integers(1, 40).map(lambda n: D(n) / 1000)
Step = Callable[[Exchange, int], None]
_MARKET_REASONS = (Reason.INSUFFICIENT, Reason.WOULD_TAKE, Reason.NO_LIQUIDITY, Reason.DUPLICATE)


def _place(side: Side, kind: Kind, price: Decimal, quantity: Decimal, tif: TimeInForce) -> Step:
    def step(exchange: Exchange, now: int) -> None:
        request = OrderRequest("BTC/USDT", side, kind, quantity, price, tif, f"c{now}")
        try:
            exchange.place(request, now)
        except Refusal as refusal:
            if refusal.reason not in _MARKET_REASONS:
                raise

    return step


def _cancel(number: int) -> Step:
    def step(exchange: Exchange, now: int) -> None:
        orders = exchange.open_orders()
        if orders:
            exchange.cancel(orders[number % len(orders)], now)

    return step


def _market(bid: Decimal, spread: int, quantity: Decimal) -> Step:
    def step(exchange: Exchange, now: int) -> None:
        bids, asks = {bid: quantity, bid - 10: quantity * 2}, {bid + spread * 10: quantity * 3}
        exchange.set_market("BTC/USDT", bids, asks, now)

    return step


def _other(side: Side, quantity: Decimal) -> Step:
    def step(exchange: Exchange, now: int) -> None:
        before, printed = len(exchange.fills), len(exchange.tape["BTC/USDT"])
        left = exchange.market_order("BTC/USDT", side, quantity, now)
        traded = sum((t.quantity for t in list(exchange.tape["BTC/USDT"])[printed:]), D(0))
        assert traded == quantity - left >= sum((f.quantity for f in exchange.fills[before:]), D(0))

    return step


def _print(side: Side, price: Decimal, quantity: Decimal) -> Step:
    def step(exchange: Exchange, now: int) -> None:
        before = len(exchange.fills)
        exchange.print_trade("BTC/USDT", side, price, quantity, now)
        assert sum((f.quantity for f in exchange.fills[before:]), D(0)) <= quantity

    return step


def _publish(exchange: Exchange, now: int) -> None:
    for symbol in exchange.instruments:
        exchange.publish(symbol, now)


STEPS = st.one_of(
    st.builds(_place, st.sampled_from(Side), st.sampled_from(Kind), PRICES, QUANTITIES, st.sampled_from(TimeInForce)),
    st.builds(_cancel, st.integers(0, 9)),
    st.builds(_market, PRICES, st.integers(1, 3), QUANTITIES),
    st.builds(_other, st.sampled_from(Side), QUANTITIES),
    st.builds(_print, st.sampled_from(Side), PRICES, QUANTITIES),
    st.just(_publish),
)
FEES = st.builds(
    FeeSchedule,
    maker=st.sampled_from([D("0.0002"), D(0), D("-0.0001")]),
    taker=st.just(D("0.001")),
    asset=st.sampled_from(FeeAsset),
)


def _expected(fills: list[Fill]) -> dict[str, Fraction]:
    """Balances from the start and the fills alone, in exact fractions."""
    balances = {asset: Fraction(amount) for asset, amount in INITIAL.items()}
    for fill in fills:
        sign = 1 if fill.side is Side.BUY else -1
        balances["BTC"] += sign * Fraction(fill.quantity)
        balances["USDT"] -= sign * Fraction(fill.price) * Fraction(fill.quantity)
        balances[fill.commission_asset] -= Fraction(fill.commission)
    return balances


def _held(orders: list[Order]) -> dict[str, Fraction]:
    held = dict.fromkeys(INITIAL, Fraction(0))
    for order in orders:
        asset = "USDT" if order.request.side is Side.BUY else "BTC"
        price = order.request.price if order.request.side is Side.BUY else D(1)
        held[asset] += Fraction(price) * Fraction(order.remaining)
    return held


def _check(exchange: Exchange) -> None:
    assert {a: Fraction(exchange.account.total(a)) for a in INITIAL} == _expected(exchange.fills)
    assert {a: Fraction(exchange.account.locked(a)) for a in INITIAL} == _held(exchange.open_orders())
    for order in exchange.orders.values():
        assert order.filled == sum((f.quantity for f in order.fills), D(0)) <= order.request.quantity
        assert (order.status is Status.FILLED) == (order.remaining == 0)
    bid, ask = (exchange.book("BTC/USDT").best_price(side) for side in (Side.BUY, Side.SELL))
    assert bid is None or ask is None or bid < ask


def _check_times(events: list[Event]) -> None:
    """Fills and publications are ordered by time exactly as they happened."""
    published: dict[str, Publication] = {}
    last_fill = 0
    for event in events:
        if isinstance(event, Publication):
            before = published.get(event.symbol)
            assert event.time > max(last_fill, before.time if before else 0)
            assert before is None or event.first_update == before.last_update + 1
            published[event.symbol] = event
        elif isinstance(event, OrderChanged) and event.fill is not None:
            last_fill = event.fill.time
            assert all(p.time <= last_fill for p in published.values())
            assert event.fill.mid == published["BTC/USDT"].mid


@settings(max_examples=150)
@given(st.lists(st.tuples(STEPS, st.integers(0, 3)), max_size=40), FEES)
def test_nothing_is_made_or_lost_whatever_happens(steps: list[tuple[Step, int]], fees: FeeSchedule) -> None:
    """Balances are the initial ones plus fills minus fees, no order fills beyond its quantity, times keep order."""
    exchange = Exchange("alpha", [BTC, BNB], INITIAL, fees)
    events: list[Event] = []
    exchange.listeners.append(events.append)
    exchange.set_market("BTC/USDT", {D(50000): D("0.02")}, {D(50010): D("0.02")}, 1)
    exchange.set_market("BNB/USDT", {D(500): D(10)}, {D(501): D(10)}, 1)
    _publish(exchange, 1)
    now = 1
    for step, pause in steps:
        now += pause
        step(exchange, now)
        _check(exchange)
    _check_times(events)
