"""One symbol's order book: the outside market's levels and the account's own resting orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from simulator.engine.orders import ZERO, Levels, Order, Side

Quantities = dict[Decimal, Decimal]
OnOwn = Callable[[Order, Decimal], None]
OnOutside = Callable[[Decimal, Decimal], None]


def better(side: Side, price: Decimal, than: Decimal) -> bool:
    """Return whether a resting ``side`` order at ``price`` comes strictly before one at ``than``."""
    return price > than if side is Side.BUY else price < than


class Book:
    """Levels by price, in price-time priority; at the same price the outside comes before own orders."""

    def __init__(self) -> None:
        self._outside: dict[Side, Quantities] = {Side.BUY: {}, Side.SELL: {}}
        self._own: dict[Side, list[Order]] = {Side.BUY: [], Side.SELL: []}
        self._published: dict[Side, Quantities] = {Side.BUY: {}, Side.SELL: {}}
        self._dirty = False
        self.consumed = False
        """Whether something took from the outside levels since they were last set."""
        self.last_update = 0
        self.best: dict[Side, tuple[Decimal, Decimal]] = {}
        """The best published level of each side; empty before the first publication."""

    # -- what is in the book

    def own(self, side: Side) -> list[Order]:
        """Return the own resting orders of ``side``, best first."""
        return list(self._own[side])

    def outside(self, side: Side) -> list[tuple[Decimal, Decimal]]:
        """Return the outside levels of ``side``, best first."""
        return sorted(self._outside[side].items(), reverse=side is Side.BUY)

    def best_price(self, side: Side) -> Decimal | None:
        """Return the best price of ``side``, own orders included, or None when it is empty."""
        prices = [*self._outside[side], *(order.request.price for order in self._own[side][:1])]
        if not prices:
            return None
        return max(prices) if side is Side.BUY else min(prices)

    def rest(self, order: Order) -> None:
        """Add an own order behind those of the same price."""
        side, price = order.request.side, order.request.price
        orders = self._own[side]
        position = sum(1 for other in orders if not better(side, price, other.request.price))
        orders.insert(position, order)
        self._dirty = True

    def remove(self, order: Order) -> None:
        """Take an own order out of the book."""
        self._own[order.request.side].remove(order)
        self._dirty = True

    def set_outside(self, bids: Mapping[Decimal, Decimal], asks: Mapping[Decimal, Decimal]) -> None:
        """Replace the outside market's levels (price to quantity)."""
        self._outside = {Side.BUY: dict(bids), Side.SELL: dict(asks)}
        self.consumed = False
        self._dirty = True

    # -- matching

    def take_outside(self, side: Side, quantity: Decimal, limit: Decimal | None, on_fill: OnOutside) -> Decimal:
        """Take up to ``quantity`` from the outside levels of ``side`` not worse than ``limit``.

        ``on_fill(price, quantity)`` is called for each level touched. Returns what was not taken.
        """
        for price, available in self.outside(side):
            if quantity <= ZERO or (limit is not None and better(side, limit, price)):
                break
            taken = min(quantity, available)
            self._reduce(side, price, taken)
            quantity -= taken
            on_fill(price, taken)
        return quantity

    def sweep(self, side: Side, quantity: Decimal, on_own: OnOwn, on_outside: OnOutside) -> Decimal:
        """Let the outside take up to ``quantity`` from ``side``: own orders and outside levels by priority.

        Returns what found nothing to trade with.
        """
        for order in self.own(side):
            # What stands before the own order goes first: better prices and, at its own price, the outside.
            quantity = self.take_outside(side, quantity, order.request.price, on_outside)
            if quantity <= ZERO:
                return ZERO
            taken = min(quantity, order.remaining)
            quantity -= taken
            on_own(order, taken)
        return self.take_outside(side, quantity, None, on_outside)

    def through(self, side: Side, price: Decimal) -> Iterator[Order]:
        """Yield own orders of ``side`` strictly better than ``price``: a trade there went through them."""
        for order in self.own(side):
            if better(side, order.request.price, price):
                yield order

    def crossed(self) -> Iterator[tuple[Order, Decimal]]:
        """Yield own orders which the outside's opposite levels now cross, and how much of each, taking it.

        The consumer fills the order before it asks for the next.
        """
        for side in Side:
            for order in self.own(side):
                wanted = order.remaining
                left = self.take_outside(side.other, wanted, order.request.price, lambda _price, _quantity: None)
                if left < wanted:
                    yield order, wanted - left

    def _reduce(self, side: Side, price: Decimal, taken: Decimal) -> None:
        levels = self._outside[side]
        levels[price] -= taken
        if levels[price] <= ZERO:
            del levels[price]
        self.consumed = True
        self._dirty = True

    def touch(self) -> None:
        """Note that an own order's remaining quantity changed."""
        self._dirty = True

    # -- what the public sees

    def changes(self) -> dict[Side, Levels] | None:
        """Return what changed since the last call and make it the published book.

        None when nothing did, or while a side is empty: a book without a mid is not published.
        """
        if not self._dirty:
            return None
        combined = {side: self._combined(side) for side in Side}
        if not all(combined.values()):
            return None
        self._dirty = False
        changes = {side: _difference(self._published[side], combined[side]) for side in Side}
        count = sum(map(len, changes.values()))
        if not count:
            return None
        self.last_update += count
        self._published = combined
        self.best = {side: self.published(side)[0] for side in Side}
        return changes

    def published(self, side: Side) -> list[tuple[Decimal, Decimal]]:
        """Return the levels of ``side`` as last published, best first."""
        return sorted(self._published[side].items(), reverse=side is Side.BUY)

    def _combined(self, side: Side) -> Quantities:
        levels = dict(self._outside[side])
        for order in self._own[side]:
            levels[order.request.price] = levels.get(order.request.price, ZERO) + order.remaining
        return levels


def _difference(before: Quantities, after: Quantities) -> Levels:
    changed = [(price, quantity) for price, quantity in after.items() if before.get(price) != quantity]
    gone = [(price, ZERO) for price in before if price not in after]
    return tuple(changed + gone)
