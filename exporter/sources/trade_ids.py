"""The identity of each fill of a trade between two orders of one account, for which exchanges have one trade id."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from exporter.events import Fill
from exporter.ledger.ledger import Ledger

_REMEMBERED = 10_000


class TradeIds:
    """Tells apart fills that share a trade id.

    The one that the books know has that id, the other one its side beside it: ``7`` and ``7/sell``. The books decide,
    so that each keeps its identity over restarts and on every way in, in whatever order fills come again. Which of
    the two is the first cannot be told from a fill itself, since each looks like one that has the id for its own.

    With ``by_order``, orders of one side are told apart as well, of which the second has its order's id beside the
    trade's: for a source whose trade ids may be those of several orders. That an order is another one is then only
    believed of what this source told itself, since another source may name the same order differently.
    """

    def __init__(self, ledger: Ledger, *, by_order: bool = False) -> None:
        self._ledger = ledger
        self._by_order = by_order
        self._first: OrderedDict[tuple[str, str, str, str], str] = OrderedDict()

    def of(self, fill: Fill) -> Fill:
        """The fill under its own identity; ask right before it is handed to the intake, once for each delivery."""
        first = self._first_order(fill) if self._by_order else fill.order_id
        known = self._ledger.find(fill)
        if known is None or (known.side, known.order_id) == (fill.side, fill.order_id):
            return fill
        own = msgspec.structs.replace(fill, trade_id=f"{fill.trade_id}/{self._second(fill)}")
        if known.side != fill.side or first != fill.order_id:
            return own
        return own if self._by_order and self._ledger.find(own) is not None else fill

    def _second(self, fill: Fill) -> str:
        return fill.order_id if self._by_order and fill.order_id else fill.side

    def _first_order(self, fill: Fill) -> str:
        """The order of which this source told first under a trade id."""
        key = fill.exchange, fill.account, fill.symbol, fill.trade_id
        first = self._first.setdefault(key, fill.order_id)
        if len(self._first) > _REMEMBERED:
            self._first.popitem(last=False)
        return first
