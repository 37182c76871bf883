"""What an order would find to trade with, before it is placed."""

from __future__ import annotations

from decimal import Decimal

from simulator.engine.book import Book
from simulator.engine.orders import ZERO, Kind, OrderRequest, Side


def reaches(request: OrderRequest, price: Decimal) -> bool:
    """Return whether an order may trade at ``price`` of the opposite side."""
    if request.kind is Kind.MARKET:
        return True
    return price <= request.price if request.side is Side.BUY else price >= request.price


def reachable(request: OrderRequest, book: Book) -> list[tuple[Decimal, Decimal]]:
    """Return the outside (price, quantity) pieces that the order would take, best first."""
    pieces, left = [], request.quantity
    for price, available in book.outside(request.side.other):
        if left <= ZERO or not reaches(request, price):
            break
        pieces.append((price, min(left, available)))
        left -= available
    return pieces


def affordable(request: OrderRequest, book: Book) -> Decimal:
    """Return how much base ``quote_quantity`` buys (or must be sold for it) from the outside levels."""
    left, quantity = request.quote_quantity, ZERO
    for price, available in book.outside(request.side.other):
        taken = min(available, left / price)
        quantity += taken
        left -= taken * price
        if left <= ZERO:
            break
    return quantity
