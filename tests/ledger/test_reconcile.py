"""The books beside what the exchange reports: what counts as drift, and what only crossed on the way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from exporter.errors import EventError
from exporter.events import Balance, Fill, Funding, PositionReport, Transfer
from exporter.journal.records import Opened
from exporter.ledger.currency import Rates
from exporter.ledger.ledger import Ledger
from exporter.ledger.position import CostBasis
from exporter.ledger.reconcile import TOLERANCE
from tests.builders import T0, FullLog, ListLog, fee, fill
from tests.ledger.taking import take

D = Decimal
MAIN = ("alpha", "main")


class Account:
    """An account on an exchange whose reports arrive at once; our clock is the exchange's."""

    def __init__(self, log: ListLog | None = None, basis: CostBasis = "average") -> None:
        self.log = log or ListLog()
        self.ledger = Ledger(Rates({"USDT": D(1)}), self.log, basis)

    def reports(self, total: str, ts: float, currency: str = "USDT") -> None:
        """The exchange says what there is; it is compared when its time has come."""
        balance = Balance(exchange="alpha", account="main", currency=currency, total=D(total), ts=ts)
        self.ledger.balance(balance, ts)
        list(self.ledger.reconcile(ts + TOLERANCE))

    def reports_position(self, symbol: str, quantity: str, ts: float, size: str = "1") -> None:
        report = PositionReport(
            exchange="alpha", account="main", symbol=symbol, quantity=D(quantity), contract_size=D(size), ts=ts
        )
        self.ledger.position(report, ts)
        list(self.ledger.reconcile(ts + TOLERANCE))

    def trades(self, trade_id: str, side: str, price: str, quantity: str, ts: float, **rest: object) -> Fill:
        new = fill(trade_id, side, price, quantity, ts, **rest)
        take(self.ledger, new)
        return new

    def drift(self, currency: str = "USDT") -> Decimal | None:
        return self.ledger.accounts[MAIN].balances[currency].drift

    def since(self, currency: str = "USDT") -> float | None:
        return self.ledger.accounts[MAIN].balances[currency].since

    def position_drift(self, symbol: str) -> Decimal | None:
        return self.ledger.accounts[MAIN].positions[symbol].drift


def test_the_first_balance_opens_the_account() -> None:
    """What was there before the books begin is no drift."""
    account = Account()
    account.reports("1000", T0)
    assert account.drift() == 0


def test_all_that_moves_money_is_expected() -> None:
    """Fills on both sides, fees in either currency, transfers and funding leave no drift."""
    account = Account()
    account.reports("1000", T0)
    account.reports("2", T0, "BTC")
    account.trades("1", "buy", "100", "1", T0 + 10, fee=fee("0.001", "BTC"))
    account.trades("2", "sell", "110", "0.5", T0 + 11, fee=fee("0.055"))
    account.ledger.transfer(
        Transfer(exchange="alpha", account="main", transfer_id="d1", currency="USDT", amount=D(500), ts=T0 + 12)
    )
    owed: dict[str, Any] = {"symbol": "BTC/USDT:USDT", "funding_id": "f1", "currency": "USDT", "amount": D("-0.2")}
    account.ledger.funding(Funding(exchange="alpha", account="main", ts=T0 + 13, **owed))
    account.reports("1454.745", T0 + 60)
    account.reports("2.499", T0 + 60, "BTC")
    assert account.drift() == 0
    assert account.drift("BTC") == 0


def test_a_missed_fill_is_drift_until_it_is_there() -> None:
    """Drift says by how much and since when, and ends once the fill is found and the next report agrees."""
    account = Account()
    account.reports("1000", T0)
    account.reports("900", T0 + 60)
    account.reports("900", T0 + 120)
    assert account.drift() == -100
    assert account.since() == T0 + 60
    account.trades("1", "buy", "100", "1", T0 + 30)
    account.reports("900", T0 + 180)
    assert account.drift() == 0
    assert account.since() is None


def test_a_fill_of_the_same_moment_may_be_in_the_report_or_not() -> None:
    """A balance read while fills happen is compared with each state that the books had around then."""
    account = Account()
    account.reports("1000", T0)
    for number, total in enumerate(("1000", "900", "800", "700"), start=1):
        at = T0 + 100 * number
        for trade in range(3):
            account.trades(f"{number}-{trade}", "buy", "100", "1", at + 0.1 * trade)
        account.reports(total, at + 0.05)
        assert account.drift() == 0
        account.trades(f"{number}-back", "sell", "100", "3", at + 50)
        account.reports("999", at + 70)
        assert account.drift() == -1


def test_an_account_is_not_opened_in_the_middle_of_trading() -> None:
    """A first balance from a moment of fills would leave a doubt for ever, so a quiet one is waited for."""
    account = Account()
    account.trades("1", "buy", "100", "1", T0 + 0.5)
    account.reports("1000", T0)
    assert account.drift() is None
    account.reports("900", T0 + 60)
    assert account.drift() == 0
    account.reports("899", T0 + 120)
    assert account.drift() == -1


@pytest.mark.parametrize("count", [4096, 9000])
def test_a_fill_beside_a_backfill_is_not_forgotten(count: int) -> None:
    """What a history of thousands brings is older, however it arrives: the opening is that of the first balance."""
    account = Account()
    account.ledger.balance(Balance(exchange="alpha", account="main", currency="BTC", total=D(10), ts=T0), T0)
    account.trades("900000", "buy", "100", "1", T0 + 3)
    for number in range(count):
        account.trades(str(number), "buy" if number % 2 else "sell", "100", "1", T0 - 80_000 + number)
    list(account.ledger.reconcile(T0 + TOLERANCE))
    account.reports("11", T0 + 60, "BTC")
    assert account.drift("BTC") == 0


def test_a_balance_from_before_what_is_remembered_is_not_compared() -> None:
    """So many fills came after it that what it should be is not known any more; the next one is compared."""
    account = Account()
    account.reports("1000", T0, "BTC")
    account.ledger.balance(Balance(exchange="alpha", account="main", currency="BTC", total=D(1), ts=T0 + 60), T0 + 60)
    for number in range(9000):
        account.trades(str(number), "buy" if number % 2 else "sell", "100", "1", T0 + 61 + number / 1000)
    list(account.ledger.reconcile(T0 + 71))
    assert account.drift("BTC") == 0
    account.reports("999", T0 + 120, "BTC")
    assert account.drift("BTC") == -1


def test_positions_in_contracts_are_compared_from_nothing() -> None:
    """A contract held before the books begin is drift: its PnL cannot be right. Strategies count together."""
    account = Account()
    swap = {"symbol": "BTC/USDT:USDT", "contract_size": D("0.01")}
    account.trades("1", "buy", "100", "30", T0, **swap)
    account.trades("2", "sell", "100", "10", T0 + 1, strategy="other", **swap)
    account.reports_position("BTC/USDT:USDT", "20", T0 + 60, "0.01")
    assert account.position_drift("BTC/USDT:USDT") == 0
    account.reports_position("BTC/USDT:USDT", "25", T0 + 120, "0.01")
    assert account.position_drift("BTC/USDT:USDT") == D("0.05")


def test_what_a_contract_realised_is_expected_in_its_currency() -> None:
    """The settlement currency gains what positions realised, less fees."""
    account = Account()
    account.reports("1", T0, "BTC")
    swap = {"symbol": "BTC/USD:BTC", "contract_size": D(100)}
    account.trades("1", "buy", "20000", "10", T0 + 10, fee=fee("0.0001", "BTC"), **swap)
    account.trades("2", "sell", "25000", "10", T0 + 11, **swap)
    account.reports("1.0099", T0 + 60, "BTC")
    assert account.drift("BTC") == 0


def test_what_an_exchange_rounds_is_no_beginning_of_a_drift() -> None:
    """A difference in the eighth decimal is shown, but a drift does not date from it."""
    account = Account()
    account.reports("1000", T0)
    account.reports("1000.00000001", T0 + 60)
    assert account.drift() == D("1e-8")
    assert account.since() is None
    account.reports("990", T0 + 120)
    assert account.since() == T0 + 120


def test_the_opening_is_remembered() -> None:
    """After a restart from the journal alone, a drift is still seen."""
    log = ListLog()
    account = Account(log)
    account.reports("1000", T0)
    account.trades("1", "buy", "100", "1", T0 + 10)
    again = Account(log)
    for number, records in list(log.since(0.0)):
        for record in records:
            again.ledger.restore(record, number)
    again.reports("890", T0 + 60)
    assert again.drift() == -10


def test_a_fill_from_before_the_opening_is_in_it_already() -> None:
    """What comes late from before the first balance was contained in it, and is no drift, nor after a restart."""
    log = ListLog()
    account = Account(log)
    account.reports("900", T0)
    account.trades("1", "buy", "100", "1", T0 - 30)
    account.reports("900", T0 + 60)
    assert account.drift() == 0
    again = Account(log)
    for number, records in list(log.since(0.0)):
        for record in records:
            again.ledger.restore(record, number)
    again.reports("899", T0 + 120)
    assert again.drift() == -1


def test_a_contract_traded_before_the_opening_opens_the_account_anew() -> None:
    """What it realised by then cannot be told apart from what came later, so the next balance says what there is."""
    account = Account()
    account.trades("1", "buy", "100", "1", T0 - 50, symbol="BTC/USDT:USDT")
    account.reports("1010", T0)
    account.trades("2", "sell", "110", "1", T0 - 30, symbol="BTC/USDT:USDT")
    assert account.drift() is None
    account.reports("1010", T0 + 60)
    assert account.drift() == 0
    account.reports("1009", T0 + 120)
    assert account.drift() == -1


def test_an_account_that_never_rests_is_opened_by_what_its_balances_have_in_common() -> None:
    """Two fills around each balance leave three openings each time, of which one is the same in all."""
    account = Account()
    held = Decimal(1000)
    for number in range(1, 9):
        at = T0 + 100 * number
        first, second = Decimal(number) * 7 % 5 + 1, Decimal(number) * 3 % 11 + 10
        account.trades(f"{number}-1", "buy", str(first), "1", at - 0.5)
        account.trades(f"{number}-2", "buy", str(second), "1", at + 0.5)
        held -= first
        account.reports(str(held), at)
        held -= second
    assert account.drift() == 0
    account.reports(str(held - 3), T0 + 1000)
    assert account.drift() == -3


@pytest.mark.parametrize("basis", ["average", "fifo"])
def test_a_busy_contract_is_compared_at_the_average_cost_of_exchanges(basis: CostBasis) -> None:
    """Whatever our cost basis, and with fills around each balance, the wallet holds what the exchange realised."""
    account = Account(basis=basis)
    account.reports("1000", T0)
    swap = {"symbol": "BTC/USDT:USDT"}
    for number, (side, price) in enumerate((("buy", "100"), ("buy", "200"), ("sell", "160"))):
        account.trades(str(number), side, price, "1", T0 + 10 + number, **swap)
    account.reports("1010", T0 + 12.5)
    assert account.drift() == 0
    account.trades("3", "sell", "170", "1", T0 + 20, **swap)
    account.reports("1010", T0 + 19.5)  # the exchange did not know of the last one yet
    assert account.drift() == 0
    account.reports("1025", T0 + 21)
    assert account.drift() == -5


def test_an_opening_that_the_log_does_not_take_is_told_again() -> None:
    """Otherwise a restart would open the account with another balance, and hide a drift."""
    log = FullLog()
    account = Account(log)
    log.is_full = True
    account.reports("1000", T0)
    assert account.drift() is None
    log.is_full = False
    account.reports("1000", T0 + 60)
    assert account.drift() == 0
    assert [record for _, records in log.since(0.0) for record in records] == [
        Opened("alpha", "main", "USDT", D(1000), T0 + 60)
    ]


def test_a_position_in_what_has_no_books_is_refused() -> None:
    """A contract settled in a third currency cannot be held against anything."""
    with pytest.raises(EventError, match="BTC/USD:ETH settles in ETH"):
        Account().reports_position("BTC/USD:ETH", "1", T0)


def test_the_newest_of_many_reports_is_compared_next() -> None:
    """While one report waits for its time others come, of which the last tells most."""
    account = Account()
    account.reports("1000", T0)
    ledger = account.ledger
    for total, at in (("1000", 60.0), ("999", 60.5), ("990", 61.0)):
        ledger.balance(Balance(exchange="alpha", account="main", currency="USDT", total=D(total), ts=T0 + at), T0 + at)
    list(ledger.reconcile(T0 + 62))
    assert account.drift() == 0
    list(ledger.reconcile(T0 + 63))
    assert account.drift() == -10
    assert account.since() == T0 + 61
