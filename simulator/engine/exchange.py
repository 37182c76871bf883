"""The matching engine of one exchange with one account. Pure: no I/O, and the time is an argument (ms)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import count

from simulator.engine.account import Account
from simulator.engine.book import Book
from simulator.engine.clock import EventClock, Skew, no_skew
from simulator.engine.fees import COMMISSION_STEP, FeeSchedule, commission, received
from simulator.engine.instruments import Instrument
from simulator.engine.liquidity import affordable, reachable, reaches
from simulator.engine.money import Movement, MovementKind
from simulator.engine.orders import (
    ZERO,
    BalancesChanged,
    Event,
    Fill,
    Kind,
    Listener,
    Order,
    OrderChanged,
    OrderRequest,
    Publication,
    Reason,
    Refusal,
    Side,
    Status,
    TimeInForce,
    TradePrinted,
)
from simulator.engine.positions import Position, to_wallet

TAPE_LENGTH = 5000
ORDERS_KEPT = 20_000
"""Ended orders beyond this are forgotten, the oldest first; fills never are."""
FIRST_TRADE_ID = 1000
FIRST_ORDER_ID = 1
FIRST_MOVEMENT_ID = 1


class Exchange:
    """Books, orders, fills and balances; ``listeners`` hear of every change in the order it happened.

    The ids of trades, orders and movements follow ``ids_after``. Those of one exchange must never repeat, also when
    it is built again.
    """

    def __init__(  # noqa: PLR0913 - as much differs from one exchange to another
        self,
        name: str,
        instruments: Iterable[Instrument],
        balances: Mapping[str, Decimal],
        fees: FeeSchedule,
        skew: Skew = no_skew,
        *,
        ids_after: int = 0,
    ) -> None:
        self.name = name
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self.account = Account(balances)
        self.fees = fees
        self.listeners: list[Listener] = []
        self.orders: dict[int, Order] = {}
        self.fills: list[Fill] = []
        self.movements: list[Movement] = []
        self.positions = {symbol: Position() for symbol, each in self.instruments.items() if each.is_contract}
        self.tape: dict[str, deque[TradePrinted]] = {s: deque(maxlen=TAPE_LENGTH) for s in self.instruments}
        self.publications: dict[str, Publication] = {}
        self._books = {symbol: Book() for symbol in self.instruments}
        self._clock = EventClock(skew)
        self.next_order_id = ids_after + FIRST_ORDER_ID
        self._trade_ids = {symbol: count(ids_after + FIRST_TRADE_ID) for symbol in self.instruments}
        self._movement_ids = count(ids_after + FIRST_MOVEMENT_ID)

    # -- questions

    def book(self, symbol: str) -> Book:
        """Return the book of ``symbol``; raises Refusal if it is not traded here."""
        if symbol not in self._books:
            raise Refusal(Reason.UNKNOWN_SYMBOL, symbol)
        return self._books[symbol]

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Return resting orders by id, of one symbol or of all."""
        books = self._books.values() if symbol is None else [self.book(symbol)]
        orders = [order for book in books for side in Side for order in book.own(side)]
        return sorted(orders, key=lambda order: order.id)

    def find(self, symbol: str, order_id: int | None = None, client_id: str = "") -> Order:
        """Return one order of ``symbol`` by its id or its client id; raises Refusal when there is none."""
        self.book(symbol)
        if order_id is not None:
            order = self.orders.get(order_id)
        else:
            named = (o for o in reversed(self.orders.values()) if o.request.client_id == client_id)
            order = next(named, None)
        if order is None or order.request.symbol != symbol:
            raise Refusal(Reason.UNKNOWN_ORDER)
        return order

    def usdt_price(self, asset: str) -> Decimal:
        """Return the last published price of ``asset`` in USDT, through a third currency if need be.

        Raises LookupError when no market here leads from the asset to USDT.
        """
        if asset in ("USDT", "USD"):  # the dollars of inverse contracts
            return Decimal(1)
        direct = self.publications.get(f"{asset}/USDT")
        if direct is not None:
            return direct.mid
        for symbol, instrument in self.instruments.items():
            if instrument.base == asset and symbol in self.publications:
                return self.publications[symbol].mid * self.usdt_price(instrument.quote)
        msg = f"{self.name}: no published market gives a price of {asset} in USDT"
        raise LookupError(msg)

    # -- what the outside market does

    def set_market(
        self, symbol: str, bids: Mapping[Decimal, Decimal], asks: Mapping[Decimal, Decimal], now: int
    ) -> None:
        """Replace the outside levels; own orders that they cross fill at their own price."""
        book = self.book(symbol)
        book.set_outside(bids, asks)
        for order, quantity in book.crossed():
            self._fill(order, order.request.price, quantity, now, is_maker=True)

    def print_trade(self, symbol: str, aggressor: Side, price: Decimal, quantity: Decimal, now: int) -> None:
        """Apply a trade of others at ``price``: it first fills own orders that it went strictly through."""
        for order in self.book(symbol).through(aggressor.other, price):
            taken = min(order.remaining, quantity)
            if taken > ZERO:
                quantity -= taken
                self._fill(order, order.request.price, taken, now, is_maker=True)
        if quantity > ZERO:
            self._print(symbol, price, quantity, aggressor, now)

    def market_order(self, symbol: str, aggressor: Side, quantity: Decimal, now: int) -> Decimal:
        """Let a third party take ``quantity``, rounded to the lot, from the book.

        Returns what found nothing to trade with.
        """

        def on_own(order: Order, taken: Decimal) -> None:
            self._fill(order, order.request.price, taken, now, is_maker=True)

        def on_outside(price: Decimal, taken: Decimal) -> None:
            self._print(symbol, price, taken, aggressor, now)

        book, lots = self.book(symbol), self.instruments[symbol].quantity(quantity)
        return book.sweep(aggressor.other, lots, on_own, on_outside)

    def publish(self, symbol: str, now: int) -> Publication | None:
        """Publish ``symbol``'s book if it changed since it was last published, else return None."""
        book = self.book(symbol)
        first, best = book.last_update + 1, dict(book.best)
        changes = book.changes()
        if changes is None:
            return None
        publication = Publication(
            symbol=symbol,
            time=self._clock.publication(symbol, now),
            first_update=first,
            last_update=book.last_update,
            bids=changes[Side.BUY],
            asks=changes[Side.SELL],
            best_bid=book.best[Side.BUY],
            best_ask=book.best[Side.SELL],
            best_changed=book.best != best,
        )
        self.publications[symbol] = publication
        self._emit(publication)
        return publication

    # -- what the account does

    def place(self, request: OrderRequest, now: int) -> Order:
        """Place an order: it takes what it crosses, and the rest rests or expires.

        Raises Refusal. A request that is well formed but cannot be accepted (no funds, a maker-only order
        that would take) leaves an order with status REJECTED behind.
        """
        book = self.book(request.symbol)
        request = self._checked(request, book)
        order = Order(self.next_order_id, request, created=self._clock.other(now))
        order.updated = order.created
        self.next_order_id += 1
        self._forget_old_orders()
        self.orders[order.id] = order
        reason = self._objection(request, book)
        if reason is not None:
            self._finish(order, Status.REJECTED, now, reason)
            raise Refusal(reason)
        self._emit(OrderChanged(order, "NEW", order.created))
        self._take(order, book, now)
        if order.remaining <= ZERO:
            return order
        if request.kind is Kind.MARKET or request.time_in_force is not TimeInForce.GTC:
            self._finish(order, Status.EXPIRED, now)
        else:
            self._rest(order, book, now)
        return order

    def cancel(self, order: Order, now: int) -> Order:
        """Cancel a resting order; raises Refusal when it no longer rests."""
        if not order.status.is_open:
            raise Refusal(Reason.UNKNOWN_ORDER)
        self._withdraw(order, Status.CANCELED, now)
        return order

    # -- money that moves other than by trading

    def move(  # noqa: PLR0913 - what moved, and how far it has come
        self,
        kind: MovementKind,
        asset: str,
        amount: Decimal,
        now: int,
        *,
        fee: Decimal = ZERO,
        symbol: str = "",
        is_done: bool = True,
    ) -> Movement:
        """Move a signed ``amount``, and take its fee; raises ValueError when the account has not enough.

        A deposit that is not done yet is only announced.
        """
        if is_done or kind is not MovementKind.DEPOSIT:
            if kind is MovementKind.FUNDING:
                self.account.credit(asset, amount)
            else:
                self.account.add(asset, amount - fee)
        movement = Movement(next(self._movement_ids), kind, asset, amount, self._clock.other(now), fee, symbol, is_done)
        self.movements.append(movement)
        self._emit(BalancesChanged((asset,), movement.time))
        return movement

    def finish(self, number: int, now: int) -> Movement:
        """Let a movement that was under way arrive; raises LookupError when there is none of this number."""
        movement = next((m for m in self.movements if m.id == number and not m.is_done), None)
        if movement is None:
            msg = f"no movement {number} is under way"
            raise LookupError(msg)
        if movement.kind is MovementKind.DEPOSIT:
            self.account.add(movement.asset, movement.amount - movement.fee)
        done = replace(movement, is_done=True)
        self.movements[self.movements.index(movement)] = done
        self._emit(BalancesChanged((movement.asset,), self._clock.other(now)))
        return done

    def fund(self, symbol: str, rate: Decimal, now: int) -> Movement | None:
        """Pay funding for a position: longs pay ``rate`` of its worth to shorts. None when there is none.

        Raises Refusal when no contract of this name is traded here.
        """
        if symbol not in self.positions:
            raise Refusal(Reason.UNKNOWN_SYMBOL, symbol)
        held, instrument = self.positions[symbol].quantity, self.instruments[symbol]
        if not held:
            return None
        worth = instrument.worth(self.publications[symbol].mid)
        paid = Fraction(held) * abs(worth) * Fraction(rate)
        return self.move(MovementKind.FUNDING, instrument.settle, to_wallet(-paid), now, symbol=symbol)

    # -- placing, step by step

    def _forget_old_orders(self) -> None:
        while len(self.orders) > ORDERS_KEPT:
            oldest = next(iter(self.orders.values()))
            if oldest.status.is_open:
                return
            del self.orders[oldest.id]

    def _checked(self, request: OrderRequest, book: Book) -> OrderRequest:
        instrument = self.instruments[request.symbol]
        price, quantity = request.price, request.quantity
        if request.kind is Kind.MARKET:
            if request.quote_quantity > ZERO:
                quantity = instrument.whole_lots(affordable(request, book))
        elif price <= ZERO or price % instrument.tick:
            raise Refusal(Reason.PRICE)
        if request.quote_quantity > ZERO and quantity <= ZERO:
            raise Refusal(Reason.NOTIONAL)
        if quantity <= ZERO or quantity % instrument.lot:
            raise Refusal(Reason.QUANTITY)
        if request.kind is not Kind.MARKET and instrument.notional(price, quantity) < instrument.min_notional:
            raise Refusal(Reason.NOTIONAL)
        return OrderRequest(
            symbol=request.symbol,
            side=request.side,
            kind=request.kind,
            quantity=instrument.quantity(quantity),
            price=instrument.price(price),
            time_in_force=request.time_in_force,
            client_id=request.client_id,
            quote_quantity=request.quote_quantity,
        )

    def _objection(self, request: OrderRequest, book: Book) -> Reason | None:
        if any(order.request.client_id == request.client_id for order in self.open_orders(request.symbol)):
            return Reason.DUPLICATE
        opposite = book.best_price(request.side.other)
        if request.kind is Kind.LIMIT_MAKER and opposite is not None and reaches(request, opposite):
            return Reason.WOULD_TAKE
        if request.kind is Kind.MARKET and not book.outside(request.side.other):
            return Reason.NO_LIQUIDITY
        asset, amount = self._needed(request, book)
        return Reason.INSUFFICIENT if self.account.free(asset) < amount else None

    def _needed(self, request: OrderRequest, book: Book) -> tuple[str, Decimal]:
        instrument = self.instruments[request.symbol]
        if instrument.is_contract:  # margin is not simulated: any position may be held by a wallet that is not empty
            return instrument.settle, COMMISSION_STEP
        if request.side is Side.SELL:
            return instrument.base, request.quantity
        if request.kind is not Kind.MARKET:
            return instrument.quote, request.price * request.quantity
        return instrument.quote, sum((p * q for p, q in reachable(request, book)), ZERO)

    def _take(self, order: Order, book: Book, now: int) -> None:
        request = order.request
        whole = sum((quantity for _, quantity in reachable(request, book)), ZERO) >= request.quantity
        if request.time_in_force is TimeInForce.FOK and not whole:
            return
        limit = None if request.kind is Kind.MARKET else request.price

        def on_fill(price: Decimal, quantity: Decimal) -> None:
            self._fill(order, price, quantity, now, is_maker=False)

        for own in book.own(request.side.other):
            if reaches(request, own.request.price) and order.remaining > ZERO:
                book.take_outside(request.side.other, order.remaining, own.request.price, on_fill)
                # An account does not trade with itself: the order that rests gives way.
                if order.remaining > ZERO:
                    self._withdraw(own, Status.EXPIRED_IN_MATCH, now)
        book.take_outside(request.side.other, order.remaining, limit, on_fill)

    def _rest(self, order: Order, book: Book, now: int) -> None:
        asset, amount = self._held(order)
        self.account.lock(asset, amount)
        book.rest(order)
        self._emit(BalancesChanged((asset,), self._clock.other(now)))

    def _held(self, order: Order) -> tuple[str, Decimal]:
        """Return what a resting order locks: the asset and the amount."""
        instrument = self.instruments[order.request.symbol]
        if instrument.is_contract:
            return instrument.settle, ZERO
        if order.request.side is Side.SELL:
            return instrument.base, order.remaining
        return instrument.quote, order.request.price * order.remaining

    def _withdraw(self, order: Order, status: Status, now: int) -> None:
        asset, amount = self._held(order)
        self.account.lock(asset, -amount)
        self._books[order.request.symbol].remove(order)
        self._finish(order, status, now)
        self._emit(BalancesChanged((asset,), order.updated))

    def _finish(self, order: Order, status: Status, now: int, reason: Reason | None = None) -> None:
        order.status = status
        order.updated = self._clock.other(now)
        # Binance reports both kinds of expiry under one execution type.
        execution = "EXPIRED" if status is Status.EXPIRED_IN_MATCH else str(status)
        self._emit(OrderChanged(order, execution, order.updated, reason=reason))

    # -- filling

    def _fill(self, order: Order, price: Decimal, quantity: Decimal, now: int, *, is_maker: bool) -> None:
        request = order.request
        time = self._clock.fill(now)
        realized = self._settle(order, price, quantity, time, is_maker=is_maker)
        fill = self._charged(order, price, quantity, time, realized, is_maker=is_maker)
        order.filled += quantity
        order.quote_filled += fill.notional
        order.updated = time
        order.status = Status.FILLED if order.remaining <= ZERO else Status.PARTIALLY_FILLED
        order.fills.append(fill)
        self.fills.append(fill)
        if is_maker:
            book = self._books[request.symbol]
            book.touch() if order.status.is_open else book.remove(order)
        aggressor = request.side.other if is_maker else request.side
        self._record(TradePrinted(request.symbol, fill.trade_id, price, quantity, aggressor, time))
        self._emit(OrderChanged(order, "TRADE", time, fill))
        instrument = self.instruments[request.symbol]
        traded = (instrument.settle,) if instrument.is_contract else (instrument.base, instrument.quote)
        assets = dict.fromkeys((*traded, fill.commission_asset))
        self._emit(BalancesChanged(tuple(assets), time))

    def _settle(self, order: Order, price: Decimal, quantity: Decimal, time: int, *, is_maker: bool) -> Decimal:
        """Exchange coins, or change the position in contracts; returns what that realised."""
        instrument, side = self.instruments[order.request.symbol], order.request.side
        if instrument.is_contract:
            position = self.positions[instrument.symbol]
            position.updated = time
            signed = quantity if side is Side.BUY else -quantity
            realized = to_wallet(position.trade(signed, instrument.worth(price)))
            self.account.credit(instrument.settle, realized)
            return realized
        paid = (instrument.quote, price * quantity) if side is Side.BUY else (instrument.base, quantity)
        gained = (instrument.base, quantity) if side is Side.BUY else (instrument.quote, price * quantity)
        if is_maker:
            self.account.spend_locked(*paid)
        else:
            self.account.add(paid[0], -paid[1])
        self.account.add(*gained)
        return ZERO

    def _charged(  # noqa: PLR0913 - a fill has so many parts
        self, order: Order, price: Decimal, quantity: Decimal, time: int, realized: Decimal, *, is_maker: bool
    ) -> Fill:
        symbol, side = order.request.symbol, order.request.side
        instrument = self.instruments[symbol]
        notional = instrument.notional(price, quantity)
        fee = notional * self.fees.rate(is_maker=is_maker) * self.usdt_price(instrument.quote)
        asset = self.fees.asset_for(instrument, side)
        amount = commission(fee / self.usdt_price(asset))
        if amount > self.account.free(asset):
            # As on the real exchange: who runs out of the token pays from what the fill brought in.
            asset = received(instrument, side)
            amount = commission(fee / self.usdt_price(asset))
        if instrument.is_contract:
            self.account.credit(asset, -amount)
        else:
            self.account.add(asset, -amount)
        return Fill(
            symbol=symbol,
            trade_id=next(self._trade_ids[symbol]),
            order_id=order.id,
            side=side,
            price=price,
            quantity=quantity,
            commission=amount,
            commission_asset=asset,
            is_maker=is_maker,
            time=time,
            mid=self.publications[symbol].mid,
            commission_mid=self.usdt_price(asset),
            notional=notional,
            realized=realized,
        )

    def _print(self, symbol: str, price: Decimal, quantity: Decimal, aggressor: Side, now: int) -> None:
        trade_id = next(self._trade_ids[symbol])
        self._record(TradePrinted(symbol, trade_id, price, quantity, aggressor, self._clock.other(now)))

    def _record(self, trade: TradePrinted) -> None:
        self.tape[trade.symbol].append(trade)
        self._emit(trade)

    def _emit(self, event: Event) -> None:
        for listener in self.listeners:
            listener(event)
