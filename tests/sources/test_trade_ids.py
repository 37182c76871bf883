"""Two fills of one trade keep their identities, in whatever order and on whatever way they come."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest

from exporter.events import Fill
from exporter.intake import Intake
from exporter.sources.trade_ids import TradeIds
from exporter.state.state import State
from tests.builders import T0, config, fill

BUY = msgspec.structs.replace(fill("7", "buy", "100", "2", T0), order_id="b")
SELL = msgspec.structs.replace(fill("7", "sell", "100", "2", T0), order_id="s")


class Books:
    """An exporter's books, into which sources with short memories bring fills."""

    def __init__(self) -> None:
        self.state = State(config(), clock=lambda: T0 + 60)
        self._intake = Intake(self.state)

    def take(self, *fills: Fill, by_order: bool = False) -> None:
        """Bring fills in as a source does that has just started."""
        trade_ids = TradeIds(self.state.ledger, by_order=by_order)
        for each in fills:
            self._intake.accept(trade_ids.of(each), "test", redelivery=True)

    @property
    def ids(self) -> set[str]:
        """The identities in the journal."""
        return {record.fill.trade_id for _, records in self.state.log.lasting() for record in records}  # type: ignore[union-attr]  # all are fills

    @property
    def conflicts(self) -> int:
        return sum(account.conflicts for account in self.state.ledger.accounts.values())


@pytest.mark.parametrize("by_order", [False, True])
@pytest.mark.parametrize("again", list(permutations([BUY, SELL, BUY, SELL])))
def test_both_sides_of_a_trade_count_once_each(again: tuple[Fill, ...], by_order: bool) -> None:
    """In whatever order they come, before and after a restart: two fills, no position, no conflict."""
    books = Books()
    books.take(*again[:2], by_order=by_order)
    books.take(*again[2:], by_order=by_order)
    books.take(*reversed(again), by_order=by_order)
    (book,) = books.state.ledger.books.values()
    assert book.running.position.quantity == 0
    assert len(books.ids) == 2
    assert books.conflicts == 0


def test_the_second_side_has_its_side_beside_the_id() -> None:
    """The identity of the one that was there stays, and the order's id may be missing on one of the ways in."""
    books = Books()
    books.take(BUY, SELL, msgspec.structs.replace(SELL, order_id=""))
    assert books.ids == {"7", "7/sell"}


def test_another_name_of_the_order_makes_no_second_fill() -> None:
    """A bot and the exchange name one order differently: that is a conflict to be told, and not another fill."""
    for by_order in (False, True):
        books = Books()
        books.take(BUY)
        books.take(msgspec.structs.replace(BUY, order_id="client-1"), by_order=by_order)
        assert (books.ids, books.conflicts) == ({"7"}, 1)


def test_orders_of_one_side_are_told_apart_where_ids_are_shared() -> None:
    """What one source tells of two orders are two fills; after a restart, in the other order, they are the same two."""
    books, other = Books(), msgspec.structs.replace(BUY, order_id="other")
    books.take(BUY, other, by_order=True)
    books.take(other, BUY, other, by_order=True)
    assert (books.ids, books.conflicts) == ({"7", "7/other"}, 0)
