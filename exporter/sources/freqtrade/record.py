"""What of the bot's record has been handed on already, and what is still to come.

Every order is handed on as a fill once, when it has ended: freqtrade keeps one amount and one mean price for it,
which change while it fills, so that increments could not be told apart from each other after a restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import filterfalse

import msgspec

from exporter.errors import EventError
from exporter.events import Event, OrderStatus
from exporter.intake import Intake
from exporter.sources.freqtrade import convert
from exporter.sources.freqtrade.convert import Labels, OrderRow, TradeRow
from exporter.state.state import State

SOURCE = "freqtrade"
_FEE_WITHIN = 60.0  # seconds after an order's end, in which the bot asks the exchange for its fee
_FEE_ANEW = 15.0  # seconds, in which it forgets the fee of the entries before and asks for that of the new one

_OrderKey = tuple[str, str]  # pair and id, since some exchanges number the orders of each pair
_TradeKey = tuple[int, float]  # number and time of closing, since a new database numbers from 1 again


class Record:
    """The bot's trades. What the intake does not take (`OverloadError`) is handed on at the next reading."""

    def __init__(self, labels: Labels, state: State, intake: Intake, *, dry_run: bool) -> None:
        self.labels = labels
        self.has_foreign_fees = False
        self._state = state
        self._intake = intake
        self._dry_run = dry_run
        self._started = state.clock()
        self._told: set[_OrderKey] = set()
        self._closed: set[_TradeKey] = set()
        self._resting: dict[_OrderKey, tuple[TradeRow, OrderRow]] = {}
        self._refused: set[tuple[int, str]] = set()

    def rows(self, raws: Iterable[msgspec.Raw]) -> Iterator[TradeRow]:
        """The trades that can be read; what cannot is refused once."""
        for raw in raws:
            try:
                yield convert.trade_row(raw)
            except EventError as error:
                self._refuse(0, str(error), error)

    def knows(self, trade: TradeRow) -> bool:
        """Whether all of a closed trade has been handed on."""
        return _trade_key(trade) in self._closed

    def take(self, trade: TradeRow, *, is_final: bool = False) -> None:
        """Hand on what is new in a trade; ``is_final`` if it is closed and comes from the history."""
        if self.knows(trade):
            return
        is_whole = True
        for order in trade.orders:
            is_whole &= self._take_order(trade, order)
        if is_final and is_whole:
            for order in trade.orders:
                self._take_funding(trade, order)
                self._told.discard((trade.pair, order.order_id))
            self._closed.add(_trade_key(trade))

    def ended_unseen(self, trades: Iterable[TradeRow]) -> None:
        """Orders that rested and are in none of ``trades``, a whole reading: canceled without a fill."""
        seen = {(trade.pair, order.order_id) for trade in trades for order in trade.orders}
        for key, (trade, order) in list(filterfalse(lambda item: item[0] in seen, self._resting.items())):
            self._tell(trade, order, "canceled", self._state.clock())
            del self._resting[key]

    def _take_order(self, trade: TradeRow, order: OrderRow) -> bool:
        """Hand on an order; False while more of it is to come."""
        key = (trade.pair, order.order_id)
        if key in self._told:
            return True
        try:
            if order.is_open:
                self._rest(key, trade, order)
                return False
            if not self._is_settled(trade, order):
                return False
            self._end(key, trade, order)
        except EventError as error:
            self._refuse(trade.trade_id, order.order_id, error)
        self._told.add(key)
        return True

    def _rest(self, key: _OrderKey, trade: TradeRow, order: OrderRow) -> None:
        before = self._resting.get(key)
        if before is None or convert.status(before[1]) != convert.status(order):
            placed = (order.order_timestamp or 0) / 1000
            ts = placed if before is None and placed else self._state.clock()
            self._tell(trade, order, convert.status(order), ts)
            self._resting[key] = trade, order

    def _end(self, key: _OrderKey, trade: TradeRow, order: OrderRow) -> None:
        """An order that rests no more. Those of long ago are no news as orders, but their fills count."""
        if order.filled:
            event = convert.fill(trade, order, self.labels)
            # The bot reckons the rate of a fee anew with each entry. What was told first stands.
            if not self._state.ledger.knows(event):
                self._hand_on(event)
        ended = convert.filled_at(order)
        if key in self._resting or ended >= self._started:
            self._tell(trade, order, convert.status(order), ended)
        self._resting.pop(key, None)

    def _is_settled(self, trade: TradeRow, order: OrderRow) -> bool:
        """Whether the bot has found the order's fee, or has had its time to."""
        currency, base = convert.fee_currency(trade, order), trade.pair.partition("/")[0]
        if currency:
            self.has_foreign_fees |= currency not in (base, convert.settled_in(trade))
        if self._dry_run:
            return True
        age = self._state.clock() - convert.filled_at(order)
        # What was taken out of the coins themselves is noted last.
        if not currency or (currency == base and not order.ft_fee_base):
            return age > _FEE_WITHIN
        return age > _FEE_ANEW or not convert.is_further_entry(trade, order)

    def _take_funding(self, trade: TradeRow, order: OrderRow) -> None:
        try:
            payment = convert.funding(trade, order, self.labels)
            if payment is not None:
                self._hand_on(payment)
        except EventError as error:
            self._refuse(trade.trade_id, f"{order.order_id} funding", error)

    def _tell(self, trade: TradeRow, order: OrderRow, status: OrderStatus, ts: float) -> None:
        self._hand_on(convert.order(trade, order, self.labels, status, ts))

    def _hand_on(self, event: Event) -> None:
        self._intake.accept(event, SOURCE, redelivery=event.ts < self._started)

    def _refuse(self, number: int, what: str, error: EventError) -> None:
        """Count what cannot be taken, once, though it stands in the record at each reading."""
        if (number, what) not in self._refused:
            self._refused.add((number, what))
            self._intake.reject(error, SOURCE)


def _trade_key(trade: TradeRow) -> _TradeKey:
    return trade.trade_id, trade.close_timestamp or 0.0
