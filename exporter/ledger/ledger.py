"""All books, the identity of fills, and PnL in the reporting currency."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal

from exporter.errors import EventError
from exporter.events import BookKey, Fill
from exporter.ledger.book import Book
from exporter.ledger.currency import Rates, pair


@dataclass(slots=True)
class AccountCounts:
    """What became of the fills of one (exchange, account)."""

    duplicates: int = 0
    conflicts: int = 0
    late: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """A book's money in USD; None where a rate or a mid is not known yet."""

    realized: Decimal | None
    unrealized: Decimal | None
    notional: Decimal | None
    fees: Decimal | None
    rebates: Decimal | None

    @property
    def total(self) -> Decimal | None:
        """Realised + unrealised - fees + rebates."""
        if self.realized is None or self.unrealized is None or self.fees is None or self.rebates is None:
            return None
        return self.realized + self.unrealized - self.fees + self.rebates


class Ledger:
    """Takes each fill once and answers what it all comes to."""

    def __init__(self, rates: Rates) -> None:
        self.rates = rates
        self.books: defaultdict[BookKey, Book] = defaultdict(Book)
        self.accounts: defaultdict[tuple[str, str], AccountCounts] = defaultdict(AccountCounts)
        self._known: dict[tuple[str, str, str, str], Fill] = {}
        self._asked_for: set[tuple[str, str, str, str]] = set()  # known only because we asked
        self._currencies: set[tuple[str, str]] = set()

    def apply(self, fill: Fill, *, redelivery: bool = False) -> bool:
        """Account for a fill; True when it was new, False when it was an exact repeat.

        ``redelivery`` says that we asked for it ourselves. A repeat is counted as a duplicate only when the
        exchange sent the fill twice unasked.
        `EventError` when the trade id is known with other content.
        """
        identity = (fill.exchange, fill.account, fill.symbol, fill.trade_id)
        counts = self.accounts[fill.exchange, fill.account]
        known = self._known.get(identity)
        if known is not None:
            if not _same(known, fill):
                counts.conflicts += 1
                raise EventError("conflict", f"trade {fill.trade_id} of {fill.symbol} is known with other content")
            if not redelivery:
                counts.duplicates += identity not in self._asked_for
                self._asked_for.discard(identity)
            return False
        self._known[identity] = fill
        if redelivery:
            self._asked_for.add(identity)
        self._currencies.update((currency, fill.exchange) for currency in pair(fill.symbol))
        self._currencies.update((fee.currency, fill.exchange) for fee in fill.fees)
        key = BookKey(fill.exchange, fill.account, fill.symbol, fill.strategy)
        late = self.books[key].add(fill, self.rates)
        counts.late += late and not redelivery
        return True

    def observe_mid(self, exchange: str, symbol: str, ts: float, mid: float, now: float) -> None:
        """Note a market's mid; fills that waited for a rate are valued when it brings one.

        ``ts`` is on the exchange's clock, ``now`` on ours.
        """
        if self.rates.observe(exchange, symbol, ts, mid, now):
            for book in self.books.values():
                book.retry(self.rates)

    def figures(self, key: BookKey, now: float) -> Figures:
        """The book's money at the newest mid, unless that is stale."""
        book = self.books[key]
        quote_usd = self.rates.usd(pair(key.symbol)[1], key.exchange, now)
        mid = self.rates.mid(key.exchange, key.symbol, now)
        unrealized = notional = None
        if book.position.quantity == 0:
            unrealized = notional = Decimal(0)
        elif quote_usd is not None and mid is not None:
            unrealized = book.position.unrealized(mid) * quote_usd
            notional = book.position.quantity * mid * quote_usd
        fees, rebates = (book.fees_usd, book.rebates_usd) if book.fees_known else (None, None)
        return Figures(book.realized_usd, unrealized, notional, fees, rebates)

    def currencies(self, now: float) -> dict[str, Decimal | None]:
        """USD per unit of each currency that fills were priced or charged in; None where it is not known now."""
        return {currency: self.rates.usd(currency, exchange, now) for currency, exchange in sorted(self._currencies)}

    def missing_rates(self) -> Counter[str]:
        """How many fills wait for the rate of each currency."""
        return Counter(currency for book in self.books.values() for currency in book.waiting())


def _same(one: Fill, other: Fill) -> bool:
    """Whether two reports tell of the same execution.

    The stream and the history of an exchange may differ in what they leave out (the fee, the maker flag,
    digits of the time), so only what both say is compared.
    """
    if (one.side, one.price, one.quantity) != (other.side, other.price, other.quantity):
        return False
    if one.fees and other.fees and one.fees != other.fees:
        return False
    return one.order_id == other.order_id or not (one.order_id and other.order_id)
