"""Any mix of events, in any order, with repeats and restarts, against the slow ledger in exact fractions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from exporter.errors import EventError
from exporter.events import BookKey, Fee, Fill, Funding
from exporter.ledger.currency import Rates
from exporter.ledger.figures import Figures
from exporter.ledger.ledger import Ledger
from exporter.ledger.position import CostBasis
from exporter.ledger.saving import load, save
from tests.builders import T0, ListLog
from tests.builders import fill as a_fill
from tests.ledger import slow
from tests.ledger.taking import take

SYMBOLS = ("BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC")
SIZES = {"BTC/USDT": "1", "BTC/USDT:USDT": "0.01", "BTC/USD:BTC": "100"}
NOW = T0 + 1.0
FOR_RATES = ("BNB/USDT", "USDT/USD")
WITH = {"USDT/USD": "BTC/USD:BTC"}  # which leads to the dollar as well, so that the two are told together
OUR_CLOCK = T0 + 5000
CLOSE = Fraction(1, 10**12)

times = st.integers(0, 60).map(lambda ms: T0 + ms / 1000)


def prices(low: int, high: int) -> st.SearchStrategy[slow.Mids]:
    """Mids of a market by time, in hundredths, the first from before all events."""
    mid = st.integers(low, high).map(lambda cents: cents / 100)
    later = st.lists(st.tuples(times, mid), max_size=6)
    return st.builds(lambda first, rest: [(T0 - 1, first), *sorted(dict(rest).items())], mid, later)


fees = st.one_of(
    st.none(),
    st.builds(Fee, st.sampled_from(["USDT", "BNB", "BTC"]), st.decimals("-0.01", "0.05", places=8)),
    st.tuples(
        st.builds(Fee, st.just("BNB"), st.decimals("0", "0.05", places=6)),
        st.builds(Fee, st.just("USDT"), st.decimals("-1", "1", places=4)),
    ),
)


class Machine(RuleBasedStateMachine):
    """The ledger beside all that it was told; small chunks, so that fills come later than memory reaches."""

    basis: CostBasis = "average"

    def __init__(self) -> None:
        super().__init__()
        self.log = ListLog(per_row=3)
        self.fills: list[Fill] = []
        self.payments: list[Funding] = []
        self.saved: dict[str, bytes] = {}
        self.saved_row = 0
        self.repeats = 0
        self.told: set[str] = set()
        self.working: Iterator[None] | None = None

    @initialize(
        spot=prices(100, 7_000_000),
        linear=prices(100, 7_000_000),
        inverse=prices(100_000, 7_000_000),
        bnb=prices(100, 70_000),
        usdt=prices(90, 110),
        told=st.sets(st.sampled_from(FOR_RATES)),
    )
    def open(  # noqa: PLR0917 - drawn by name
        self, spot: slow.Mids, linear: slow.Mids, inverse: slow.Mids, bnb: slow.Mids, usdt: slow.Mids, told: set[str]
    ) -> None:
        """The symbols' market data is there first; that of other markets may come later."""
        mids = dict(zip(SYMBOLS, (spot, linear, inverse), strict=True)) | {"BNB/USDT": bnb, "USDT/USD": usdt}
        self.market = slow.Market(mids)
        self.told = set(SYMBOLS) | told
        self.ledger = self.new_ledger()

    def new_ledger(self) -> Ledger:
        ledger = Ledger(Rates(), self.log, self.basis, chunk=2)
        hidden = {WITH.get(symbol) for symbol in FOR_RATES if symbol not in self.told}
        for symbol in sorted(self.told - hidden):
            self.show(ledger, symbol)
        return ledger

    def show(self, ledger: Ledger, symbol: str) -> None:
        """All mids of a market at once, so that each event finds that of its time."""
        for name in filter(None, (WITH.get(symbol), symbol)):
            for ts, mid in self.market.mids[name]:
                ledger.rates.observe("alpha", name, ts, mid, OUR_CLOCK)
        ledger.observe_mid("alpha", f"{symbol[:3]}-OTHER/USD", T0, 1.0, OUR_CLOCK)  # values what waited

    @precondition(lambda self: set(FOR_RATES) - self.told)
    @rule(symbol=st.sampled_from(FOR_RATES))
    def tell(self, symbol: str) -> None:
        """A market is heard of that was not known."""
        if symbol not in self.told:
            self.told.add(symbol)
            self.show(self.ledger, symbol)

    @rule(slices=st.integers(1, 8))
    def work(self, slices: int) -> None:
        """Some of what is done in slices is done, and other things happen before the rest."""
        self.working = self.working or self.ledger.catch_up()
        for _ in range(slices):
            if next(self.working, "end") == "end":
                self.working = None
                break

    @rule(
        symbol=st.sampled_from(SYMBOLS),
        side=st.sampled_from(["buy", "sell"]),
        price=st.decimals("1", "70000", places=2),
        quantity=st.decimals("0.0001", "10", places=6),
        ts=times,
        fee=fees,
    )
    def fill(  # noqa: PLR0917 - drawn by name
        self, symbol: str, side: str, price: Decimal, quantity: Decimal, ts: float, fee: Fee | None
    ) -> None:
        """A new fill, in time or late."""
        size = Decimal(SIZES[symbol])
        name = str(len(self.fills) + 1)
        new = a_fill(name, side, str(price), str(quantity), ts, symbol=symbol, fee=fee, contract_size=size)
        assert take(self.ledger, new) is not None
        self.fills.append(new)

    @rule(symbol=st.sampled_from(SYMBOLS[1:]), amount=st.decimals("-5", "5", places=6), ts=times)
    def pay(self, symbol: str, amount: Decimal, ts: float) -> None:
        """A funding payment."""
        new = Funding(
            exchange="alpha",
            account="main",
            strategy="maker",
            symbol=symbol,
            funding_id=str(len(self.payments) + 1),
            currency=slow.settlement(symbol),
            amount=amount,
            ts=ts,
        )
        assert self.ledger.funding(new) is not None
        self.payments.append(new)

    @precondition(lambda self: self.fills)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """A fill comes once more, as another object, or with other content."""
        known = data.draw(st.sampled_from(self.fills))
        assert take(self.ledger, msgspec.structs.replace(known)) is None
        self.repeats += 1
        with pytest.raises(EventError, match="is known with other content"):
            take(self.ledger, msgspec.structs.replace(known, quantity=known.quantity * 2))

    @precondition(lambda self: self.payments)
    @rule(data=st.data())
    def repeat_payment(self, data: st.DataObject) -> None:
        """A payment comes once more."""
        known = data.draw(st.sampled_from(self.payments))
        assert self.ledger.funding(msgspec.structs.replace(known)) is None

    @rule()
    def save(self) -> None:
        """The state is saved, at the end of a row of the journal."""
        self.log.cut()
        self.saved |= {name: msgspec.msgpack.encode(part) for name, part in save(self.ledger).items()}
        self.saved_row = self.log.row - 1

    @rule(uses_saved=st.booleans())
    def restart(self, uses_saved: bool) -> None:
        """All is lost but the journal, and maybe what was saved."""
        self.working = None
        counts = self.ledger.accounts["alpha", "main"]
        before = counts.duplicates, counts.conflicts, counts.late
        self.log.cut()
        self.ledger = self.new_ledger()
        row = self.saved_row if uses_saved and load(self.ledger, self.saved) else 0
        if not row:
            self.saved, self.saved_row = {}, 0
        for number, records in self.log.since(0.0):
            for record in records if number > row else ():
                self.ledger.restore(record, number)
        counts = self.ledger.accounts["alpha", "main"]
        counts.duplicates, counts.conflicts, counts.late = before  # told by no record of their own

    @invariant()
    def agrees(self) -> None:
        """The books equal exact fractions to 1e-12, and the parts add up to the total to 1e-15.

        They do once all rates are known and nothing is under way; until then what is not known is not told.
        """
        if not hasattr(self, "ledger") or self.working is not None:
            return
        list(self.ledger.catch_up())
        if not self.told.issuperset(FOR_RATES):
            waiting = sum(self.ledger.missing_rates().values())
            figures = [self.ledger.figures(key, OUR_CLOCK) for key in self.ledger.books]
            assert (waiting > 0) is any(each.fees is None for each in figures)
            return
        assert not self.ledger.missing_rates()
        by_symbol: defaultdict[str, list[Fill]] = defaultdict(list)
        for fill in self.fills:
            by_symbol[fill.symbol].append(fill)
        for symbol in SYMBOLS:
            key = BookKey("alpha", "main", symbol, "maker")
            payments = [payment for payment in self.payments if payment.symbol == symbol]
            if by_symbol[symbol] or payments:
                expected = slow.book(symbol, by_symbol[symbol], payments, self.market, self.basis, NOW)
                assert self.ledger.books[key].running.position.quantity == expected.units
                assert_equal(self.ledger.figures(key, OUR_CLOCK), expected)
        assert self.ledger.accounts["alpha", "main"].duplicates == self.repeats


def assert_equal(figures: Figures, expected: slow.Book) -> None:
    """Every figure is known and close."""
    assert figures.total is not None
    assert figures.fees is not None
    assert figures.rebates is not None
    assert figures.error is not None
    assert abs(figures.error) <= Decimal("1e-15")
    for found, exact in (
        (figures.realized, expected.realized),
        (figures.unrealized, expected.unrealized),
        (figures.fees - figures.rebates, expected.fees),
        (figures.funding, expected.funding),
        (figures.spread, expected.spread),
        (figures.inventory, expected.inventory),
        (figures.currency, expected.currency),
        (figures.total, expected.total),
    ):
        assert found is not None
        assert abs(Fraction(found) - exact) < CLOSE
    parts = expected.spread + expected.inventory + expected.currency - expected.fees + expected.funding
    assert parts == expected.total


class FifoMachine(Machine):
    """The same with the other cost basis."""

    basis: CostBasis = "fifo"


_settings = settings(
    max_examples=150,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow],
    phases=set(Phase) - {Phase.explain},
)
TestAverage = Machine.TestCase
TestAverage.settings = _settings
TestFifo = FifoMachine.TestCase
TestFifo.settings = _settings
