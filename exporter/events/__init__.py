"""What can happen, as immutable values.

Every event has ``ts``, Unix time in seconds. Money and quantities are `Decimal`, taken from the text that
the exchange sent; market prices are floats. ``symbol`` has ccxt's form: ``BTC/USDT``, ``BTC/USDT:USDT``.
An event that breaks these rules raises `EventError` where it is made.
"""

from exporter.events.base import LIQUIDITIES, ONE, SIDES, ZERO, BookKey, Liquidity, Side
from exporter.events.money import Balance, Funding, PositionReport, Transfer
from exporter.events.signals import Business, Cache, Outcome, Prediction, Request, Signal
from exporter.events.trading import ENDED, Book, Fee, Fill, Order, OrderStatus, Quote

AccountEvent = Fill | Order | Quote | Book | Funding | Transfer | Balance | PositionReport
"""What happens on an exchange; it has its name."""

SignalEvent = Request | Cache | Prediction | Outcome | Business
"""What the user's own systems tell."""

Event = AccountEvent | SignalEvent
"""Any event; on the wire its key ``type`` says which."""

__all__ = [
    "ENDED",
    "LIQUIDITIES",
    "ONE",
    "SIDES",
    "ZERO",
    "AccountEvent",
    "Balance",
    "Book",
    "BookKey",
    "Business",
    "Cache",
    "Event",
    "Fee",
    "Fill",
    "Funding",
    "Liquidity",
    "Order",
    "OrderStatus",
    "Outcome",
    "PositionReport",
    "Prediction",
    "Quote",
    "Request",
    "Side",
    "Signal",
    "SignalEvent",
    "Transfer",
]
