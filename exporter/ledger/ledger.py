"""All books, the identity of what is in them, and PnL in the reporting currency."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Protocol

from exporter.errors import EventError, JournalError, OverloadError
from exporter.events import ZERO, Balance, BookKey, Fill, Funding, PositionReport, Transfer
from exporter.journal.records import Moved, Opened, Paid, Record, Revalued, Valued
from exporter.ledger.account import MOST_FLOWS, Account, AccountKey
from exporter.ledger.book import Book, SavedBook
from exporter.ledger.currency import Rates
from exporter.ledger.figures import Figures
from exporter.ledger.identities import Scope
from exporter.ledger.instrument import instrument
from exporter.ledger.known import Event, Known, Rows
from exporter.ledger.position import CostBasis
from exporter.ledger.reconcile import TOLERANCE, Check, currency_change, position_change

_SLICE = 256
_PAUSE = 60  # rounds of `Ledger.catch_up` after which it is tried again to read what could not be read


class Log(Rows, Protocol):
    """Where records are kept, in numbered rows."""

    def append(self, record: Record) -> None:
        """Keep a record."""

    def since(self, ts: float) -> Iterator[tuple[int, list[Record]]]:
        """The rows with events from ``ts`` on."""


class Ledger:
    """Takes each event once and answers what it all comes to.

    ``basis`` is the cost basis of realised PnL; ``chunk`` fills of each book lie between two checkpoints (see
    `Timeline`). ``torn`` says of the books whose late fills have no place, since the journal cannot be read, why.
    """

    def __init__(self, rates: Rates, log: Log, basis: CostBasis = "average", chunk: int = 256) -> None:
        self.rates = rates
        self.books: dict[BookKey, Book] = {}
        self.accounts: defaultdict[AccountKey, Account] = defaultdict(Account)
        self.known = Known(log)
        self.basis: CostBasis = basis
        self._chunk = chunk
        self._log = log
        self.torn: dict[BookKey, str] = {}
        self._again: dict[BookKey, int] = {}  # the rounds in which they are tried again
        self._round = 0
        self._markets = 0  # that were observed,
        self._retried = -1  # and so many of them when all was valued that could be; what is restored never was

    # New events.

    def take(self, book: Book, fill: Fill, *, redelivery: bool = False) -> Valued | None:
        """Account for a fill of this book; its record when it was new, None when it was an exact repeat.

        ``redelivery`` says that we asked for it ourselves. A repeat is counted as a duplicate only when the
        exchange sent the fill twice unasked.
        `EventError` when the trade id is known with other content.
        """
        known, counts = self.known.find(book.trades, fill.trade_id, fill), book.account
        if known is not None:
            if not _same(known, fill):
                counts.conflicts += 1
                raise EventError("conflict", f"trade {fill.trade_id} of {fill.symbol} is known with other content")
            if not redelivery:
                counts.duplicates += not self.known.was_asked_for(fill)
            return None
        valued: Valued = book.value(fill, self.rates)
        try:
            self._log.append(valued)
        except BaseException:
            self.known.take_back()
            raise
        if redelivery:
            self.known.asked_for(fill)
        if book.add(valued) and not redelivery:
            counts.late += 1
        counts.flows.append(fill)
        if len(counts.flows) >= MOST_FLOWS:
            counts.forget_flows()
        if fill.ts <= counts.opened_until:
            counts.correct(fill)
        return valued

    def knows(self, fill: Fill) -> bool:
        """Whether a fill of this identity is known, whatever else was said of it."""
        return self.find(fill) is not None

    def find(self, fill: Fill) -> Fill | None:
        """What is known under the identity of a fill; asking changes nothing."""
        scope = self.known.identities.scope(fill.exchange, fill.account, fill.symbol, "trade")
        known = self.known.find(scope, fill.trade_id, fill)
        if known is None:
            self.known.take_back()
        return known if isinstance(known, Fill) else None

    def funding(self, payment: Funding) -> Paid | None:
        """Account for a funding payment; its record when it was new. Errors as of `take`."""
        book = self.book(BookKey(payment.exchange, payment.account, payment.symbol, payment.strategy))
        known = self.known.find(book.payments, payment.funding_id, payment)
        if known is not None:
            self._repeated(known, payment, f"funding {payment.funding_id} of {payment.symbol}")
            return None
        rate = self.rates.usd_at(payment.currency, payment.exchange, payment.ts)
        paid = Paid(payment, rate and rate.value, rate is None or rate.exact)
        self._keep(paid)
        book.pay(paid)
        book.account.flow(payment)
        return paid

    def transfer(self, transfer: Transfer) -> Moved | None:
        """Account for a transfer; its record when it was new. Errors as of `take`."""
        account = self.accounts[transfer.exchange, transfer.account]
        known = self.known.find(self._transfers(transfer), transfer.transfer_id, transfer)
        if known is not None:
            self._repeated(known, transfer, f"transfer {transfer.transfer_id}")
            return None
        rate = self.rates.usd_at(transfer.currency, transfer.exchange, transfer.ts)
        moved = Moved(transfer, rate and rate.value, rate is None or rate.exact)
        self._keep(moved)
        account.move(moved)
        return moved

    def observe_mid(self, exchange: str, symbol: str, ts: float, mid: float, now: float) -> None:
        """Note a market's mid; what waited for a rate is valued when it brings one.

        ``ts`` is on the exchange's clock, ``now`` on ours.
        """
        if self.rates.observe(exchange, symbol, ts, mid, now):
            self._markets += 1
            next(self._retry(), None)  # a slice at once, the others by `catch_up`

    def _retry(self) -> Iterator[None]:
        """Value what waited for a market, in slices; what the log does not take is tried again the next time."""
        markets = self._markets
        if markets == self._retried:
            return
        try:
            for key, account in list(self.accounts.items()):
                for moved in account.retry(key, self.rates):
                    self._log.append(moved)
                    account.revalue(moved)
            for book in list(self.books.values()):
                for number, revalued in enumerate(book.retry(self.rates), start=1):
                    if revalued is not None:
                        self._log.append(revalued)
                        book.revalue(revalued)
                    if number % _SLICE == 0:
                        yield
        except OverloadError:
            return
        self._retried = markets

    # What the exchange says, beside the books.

    def balance(self, balance: Balance, now: float) -> None:
        """Take the exchange's word on a balance; ``now`` is on our clock."""
        account = self.accounts[balance.exchange, balance.account]
        account.balances[balance.currency].report(balance.total, balance.ts, now)

    def position(self, report: PositionReport, now: float) -> None:
        """Take the exchange's word on the position in a contract; ``now`` is on our clock.

        `EventError` for a contract that cannot have a book.
        """
        instrument(report.symbol)
        account = self.accounts[report.exchange, report.account]
        account.positions[report.symbol].report(report.quantity * report.contract_size, report.ts, now)

    def reconcile(self, now: float) -> Iterator[None]:
        """Compare what was reported with the books, where the time has come; yields after each."""
        for key, account in list(self.accounts.items()):
            for currency, check in list(account.balances.items()):
                if check.due(now):
                    self._compare_balance(key, account, currency, check)
                    yield
            for symbol, check in list(account.positions.items()):
                if check.due(now):
                    self._compare_position(key, account, symbol, check)
                    yield

    def held(self, key: AccountKey, currency: str) -> Decimal:
        """By how much the account's holding of a currency changed since the books began."""
        account = self.accounts[key]
        return sum((book.held(currency) for book in self._books(key)), account.transfers.get(currency, ZERO))

    def _books(self, key: AccountKey, symbol: str | None = None) -> Iterator[Book]:
        return (b for k, b in self.books.items() if k[:2] == key and symbol in (None, k.symbol))

    def _compare_balance(self, key: AccountKey, account: Account, currency: str, check: Check) -> None:
        changes = account.changes(partial(currency_change, currency=currency), check.at)
        for book in self._books(key):
            booked = book.booked(currency, check.at - TOLERANCE)
            changes = None if changes is None or booked is None else changes + booked
        if check.opening is None:
            account.note_report(check.at)
        if check.compare(self.held(key, currency), changes) and check.opening is not None:
            try:
                self._log.append(Opened(*key, currency, check.opening, check.opened))
            except OverloadError:  # what is not kept would be told otherwise after a restart
                check.reopen()

    def _compare_position(self, key: AccountKey, account: Account, symbol: str, check: Check) -> None:
        changes, books = account.changes(partial(position_change, symbol=symbol), check.at), self._books(key, symbol)
        held = ZERO
        for book in books:
            held += book.running.position.quantity
            changes = None if book.is_torn else changes
        check.compare(held, changes)

    def newest_fill(self, key: AccountKey, symbol: str | None = None) -> float | None:
        """The time of the account's newest known fill, on one symbol or on any; None without any."""
        times = (book.timeline.newest for book in self._books(key, symbol))
        return max((ts for ts in times if ts is not None), default=None)

    # What the journal kept.

    def restore(self, record: Record, row: int) -> None:
        """Take a record of the journal's row again, as it was when it was new."""
        match record:
            case Valued(fill):
                book = self.book(BookKey(fill.exchange, fill.account, fill.symbol, fill.strategy))
                self.known.note(book.trades, fill.trade_id, row)
                book.add(record)
                book.account.flow(fill)
            case Paid(payment):
                book = self.book(BookKey(payment.exchange, payment.account, payment.symbol, payment.strategy))
                self.known.note(book.payments, payment.funding_id, row)
                book.pay(record)
                book.account.flow(payment)
            case Moved(transfer):
                self.known.note(self._transfers(transfer), transfer.transfer_id, row)
                self.accounts[transfer.exchange, transfer.account].move(record)
            case Opened():
                self.accounts[record.exchange, record.account].open(record.currency, record.amount, record.ts)
            case Revalued(symbol=""):
                self.accounts[record.exchange, record.account].revalue(record)
            case Revalued():
                for key in [key for key in self.books if key[:3] == (record.exchange, record.account, record.symbol)]:
                    self.books[key].revalue(record)

    def book(self, key: BookKey) -> Book:
        """The book of this key, made when it is not there yet."""
        book = self.books.get(key)
        if book is None:
            account, scope = self.accounts[key.exchange, key.account], self.known.identities.scope
            book = self.books[key] = Book(key, account, scope, self.basis, self._chunk)
        return book

    def load(self, saved: SavedBook) -> None:
        """Take a book as it was saved."""
        account = self.accounts[saved.key.exchange, saved.key.account]
        self.books[saved.key] = Book.restore(saved, account, self.known.identities.scope)

    def catch_up(self) -> Iterator[None]:
        """Value what waited, and take again what late fills have their place in, from the journal if need be.

        In slices; yields between.
        """
        yield from self._retry()
        self._round += 1
        for looked, (key, book) in enumerate(list(self.books.items()), 1):
            while book.timeline.behind is not None and self._round >= self._again.get(key, 0):
                yield from self._read_again(key, book)
            if book.timeline.settle() or looked % _SLICE == 0:
                yield

    def _read_again(self, key: BookKey, book: Book) -> Iterator[None]:
        """Let a book read again; where the journal cannot be read, all other books go on without it."""
        try:
            yield from book.read_again(self._rows_since)
        except JournalError as error:
            self.torn[key], self._again[key] = str(error), self._round + _PAUSE
        else:
            self.torn.pop(key, None)
            self._again.pop(key, None)

    def _rows_since(self, ts: float) -> Iterator[list[Record]]:
        return (records for _, records in self._log.since(ts))

    # Figures.

    def figures(self, key: BookKey, now: float) -> Figures:
        """The book's money at the newest mid, unless that is stale."""
        book, sums = self.books[key], self.books[key].sums
        running, held = book.running, book.running.position.quantity
        rate = self.rates.usd(book.instrument.settle, key.exchange, now)
        mid = self.rates.mid(key.exchange, key.symbol, now)
        unrealized = notional = inventory = currency = None
        if book.is_torn:
            pass
        elif not held:
            unrealized = notional = ZERO
            inventory, currency = running.inventory, running.currency
        elif rate is not None and mid is not None:
            worth = book.instrument.worth(mid)
            unrealized = running.unrealized(worth) * rate
            notional = abs(held * worth) * rate if held > 0 else -abs(held * worth) * rate
            inventory, currency = running.inventory_at(worth, rate), running.currency_at(rate)
        certain, complete = running.certain and not book.is_torn, book.is_complete
        return Figures(
            realized=running.realized if certain else None,
            unrealized=unrealized,
            notional=notional,
            spread=sums.spread_usd if certain else None,
            inventory=inventory if certain else None,
            currency=currency if certain else None,
            fees=sums.fees_usd if complete else None,
            rebates=sums.rebates_usd if complete else None,
            funding=sums.funding_usd if complete else None,
        )

    def currencies(self, now: float) -> dict[str, Decimal | None]:
        """USD per unit of each currency that the books contain; None where it is not known now."""
        found: set[tuple[str, str]] = set()
        for key, book in self.books.items():
            names = (book.instrument.base, book.instrument.settle, *book.sums.fee_amounts, *book.sums.funding_amounts)
            found.update((name, key.exchange) for name in names)
        return {currency: self.rates.usd(currency, exchange, now) for currency, exchange in sorted(found)}

    def missing_rates(self) -> Counter[str]:
        """How many fills, payments and transfers wait for the rate of each currency."""
        missing: Counter[str] = Counter()
        for book in self.books.values():
            for currency, count in book.missing(self.rates):
                missing[currency] += count
        for account in self.accounts.values():
            missing.update(account.lacking)
        return +missing

    def _transfers(self, transfer: Transfer) -> Scope:
        return self.known.identities.scope(transfer.exchange, transfer.account, "transfer")

    def _keep(self, record: Record) -> None:
        """Put a record into the log; if it is not taken, its event is as unknown as before."""
        try:
            self._log.append(record)
        except BaseException:
            self.known.take_back()
            raise

    def _repeated(self, known: Event, event: Funding | Transfer, what: str) -> None:
        """An event that came again: fine when it says the same."""
        if (known.currency, known.amount) != (event.currency, event.amount):  # type: ignore[union-attr]
            self.accounts[event.exchange, event.account].conflicts += 1
            raise EventError("conflict", f"{what} is known with other content")


def _same(known: Event, other: Fill) -> bool:
    """Whether two reports tell of the same execution.

    The stream and the history of an exchange may differ in what they leave out (the fee, the maker flag,
    digits of the time), so only what both say is compared.
    """
    if not isinstance(known, Fill):
        return False
    if (known.side, known.price, known.quantity) != (other.side, other.price, other.quantity):
        return False
    if known.contract_size != other.contract_size:
        return False
    if known.fees and other.fees and known.fees != other.fees:
        return False
    return known.order_id == other.order_id or not (known.order_id and other.order_id)
