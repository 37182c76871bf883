"""What is known of equity and risk when something is not known."""

from __future__ import annotations

from decimal import Decimal

from exporter.collectors import risk
from exporter.events import Transfer
from exporter.intake import Intake
from exporter.metrics import Family
from exporter.state.state import State
from tests.builders import MINIMAL, T0, book, config, fill

CAPITAL = """
risk:
  capital_usd: {alpha/main: 1000, alpha/second: 2000}
"""
SECOND = {"account": "second", "symbol": "ETH/USDT"}


class Desk:
    """Two accounts, of which each trades a market of its own."""

    def __init__(self) -> None:
        self.now = T0
        self.state = State(config(MINIMAL + CAPITAL), clock=lambda: self.now)
        self.intake = Intake(self.state)
        self.intake.accept(book(99.0, 101.0, T0), "test")
        self.intake.accept(fill("1", "buy", "99", "2"), "test")
        self.intake.accept(fill("1", "buy", "10", "1", T0, **SECOND), "test")

    def samples(self) -> dict[tuple[str, str], float]:
        """What is kept of a sample: the accounts, and all of them together without a name."""
        return {(s.exchange, s.account): s.pnl for s in self.state.risk.sample(self.state.ledger, self.now)}

    def scraped(self) -> dict[str, dict[tuple[str, ...], float]]:
        found: dict[str, dict[tuple[str, ...], float]] = {}
        for family, samples in risk.collect(self.state):
            assert isinstance(family, Family)
            found[family.name] = {tuple(labels): float(str(value)) for labels, value in samples}
        return found


def test_an_account_that_is_not_known_hides_no_other() -> None:
    """Without a price of what one account holds, the other one's figures stay; those of both are not known."""
    desk = Desk()
    assert desk.samples() == {("alpha", "main"): 2.0}
    found = desk.scraped()
    assert found["trading_equity_usd"] == {("alpha", "main"): 1002.0}
    assert found["trading_drawdown_ratio"] == {("alpha", "main"): 0.0}
    assert found["trading_portfolio_drawdown_ratio"] == {}
    desk.intake.accept(book(11.0, 13.0, T0, symbol="ETH/USDT"), "test")
    desk.now += 300
    desk.intake.accept(book(99.0, 101.0, desk.now), "test")
    desk.intake.accept(book(11.0, 13.0, desk.now, symbol="ETH/USDT"), "test")
    assert desk.samples() == {("", ""): 4.0, ("alpha", "main"): 2.0, ("alpha", "second"): 2.0}
    assert desk.scraped()["trading_portfolio_drawdown_ratio"] == {(): 0.0}


def test_equity_is_not_known_while_a_transfer_waits_for_its_rate() -> None:
    """A deposit in a currency without a market is no deposit of nothing."""
    desk = Desk()
    moved = Transfer(exchange="alpha", account="main", transfer_id="1", currency="SOL", amount=Decimal(2), ts=T0)
    desk.intake.accept(moved, "test")
    assert desk.scraped()["trading_equity_usd"] == {}
    desk.intake.accept(book(99.0, 101.0, T0, symbol="SOL/USDT"), "test")
    assert desk.scraped()["trading_equity_usd"] == {("alpha", "main"): 1202.0}


def test_risks_are_worked_out_in_slices() -> None:
    """A month of samples is much work, so that something else can go on between two estimates."""
    desk = Desk()
    for _ in range(200):
        desk.samples()
        desk.now += 300
        desk.intake.accept(book(99.0, 101.0 + desk.now % 7, desk.now), "test")
    assert desk.scraped()["trading_value_at_risk_usd"] == {}
    assert len(list(desk.state.risk.work_out())) == 8  # two methods at two confidences, of all and of one account
    estimates = desk.scraped()["trading_value_at_risk_usd"]
    assert {labels[:4] for labels in estimates} == {
        ("alpha", "main", method, "0.95") for method in ("historical", "parametric")
    }
