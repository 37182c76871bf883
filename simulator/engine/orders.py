"""The engine's words: orders, fills, what happened to them, and why an order was refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


class Side(StrEnum):
    """The side of an order, or of the aggressor of a trade."""

    BUY = "buy"
    SELL = "sell"

    @property
    def other(self) -> Side:
        """The opposite side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Kind(StrEnum):
    """How an order may execute; ``LIMIT_MAKER`` never takes."""

    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"


class TimeInForce(StrEnum):
    """Good till cancelled, immediate or cancel, fill or kill."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class Status(StrEnum):
    """The state of an order. ``EXPIRED_IN_MATCH``: it would have traded with its own account."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"

    @property
    def is_open(self) -> bool:
        """Whether the order can still fill."""
        return self in (Status.NEW, Status.PARTIALLY_FILLED)


class Reason(StrEnum):
    """Why a request was refused."""

    UNKNOWN_SYMBOL = "unknown symbol"
    PRICE = "price is not a positive multiple of the tick"
    QUANTITY = "quantity is not a positive multiple of the lot"
    NOTIONAL = "price x quantity is too small"
    INSUFFICIENT = "insufficient balance"
    WOULD_TAKE = "a maker-only order would take"
    DUPLICATE = "an open order has this client id"
    UNKNOWN_ORDER = "unknown order"
    NO_LIQUIDITY = "nothing to trade with"


class Refusal(Exception):  # noqa: N818 - a refused request is an answer, not a defect
    """A request that the exchange refuses; ``reason`` says why."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a client asks for. A market order gives ``quantity`` or ``quote_quantity``, the others a price."""

    symbol: str
    side: Side
    kind: Kind
    quantity: Decimal
    price: Decimal = ZERO
    time_in_force: TimeInForce = TimeInForce.GTC
    client_id: str = ""
    quote_quantity: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of one of the account's orders.

    ``time`` is in milliseconds. ``mid`` is the symbol's exact mid and ``commission_mid`` the commission
    asset's price in USDT, both as last published at or before ``time``. ``notional`` is in quote currency,
    ``realized`` what closing a part of a position in contracts brought, in their settlement currency.
    """

    symbol: str
    trade_id: int
    order_id: int
    side: Side
    price: Decimal
    quantity: Decimal
    commission: Decimal
    commission_asset: str
    is_maker: bool
    time: int
    mid: Decimal
    commission_mid: Decimal
    notional: Decimal
    realized: Decimal = ZERO


@dataclass(slots=True)
class Order:
    """An order and what has become of it; times in milliseconds."""

    id: int
    request: OrderRequest
    created: int
    status: Status = Status.NEW
    filled: Decimal = ZERO
    quote_filled: Decimal = ZERO
    updated: int = 0
    fills: list[Fill] = field(default_factory=list)

    @property
    def remaining(self) -> Decimal:
        """What is still to be filled, in base currency."""
        return self.request.quantity - self.filled


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order was placed, filled (then ``fill`` is given), cancelled, rejected or expired."""

    order: Order
    execution: str
    time: int
    fill: Fill | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class BalancesChanged:
    """The balances of these assets changed."""

    assets: tuple[str, ...]
    time: int


@dataclass(frozen=True, slots=True)
class TradePrinted:
    """One trade on the public tape; ``aggressor`` is the side that took."""

    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    aggressor: Side
    time: int


Levels = tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class Publication:
    """A change of the published book: levels (price, new quantity; 0 removes) and the new best prices.

    Update ids run from ``first_update`` to ``last_update``; the first one follows the last one of the
    publication before. ``time`` is in milliseconds.
    """

    symbol: str
    time: int
    first_update: int
    last_update: int
    bids: Levels
    asks: Levels
    best_bid: tuple[Decimal, Decimal]
    best_ask: tuple[Decimal, Decimal]
    best_changed: bool

    @property
    def mid(self) -> Decimal:
        """The exact mean of the best bid and the best ask."""
        return (self.best_bid[0] + self.best_ask[0]) / 2


Event = OrderChanged | BalancesChanged | TradePrinted | Publication
Listener = Callable[[Event], None]
