"""Balances and positions as freqtrade's page has them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from exporter.errors import EventError
from exporter.events import AccountEvent, Balance, Event, PositionReport, Signal
from exporter.intake import Intake
from exporter.sources.freqtrade.convert import Labels
from exporter.sources.freqtrade.holdings import Holdings
from exporter.state.state import State
from tests.builders import T0, config

LABELS = Labels("binance", "alpha", "main", None)


class Kept(Intake):
    """An intake that keeps what it takes."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.events: list[AccountEvent] = []

    def take(self, event: Event, source: str, *, redelivery: bool = False) -> bool:
        assert not isinstance(event, Signal)
        self.events.append(event)
        return super().take(event, source, redelivery=redelivery)


@pytest.fixture
def kept() -> Kept:
    return Kept(State(config(), clock=lambda: T0))


@pytest.fixture
def holdings(kept: Kept) -> Holdings:
    return Holdings(LABELS, State(config(), clock=lambda: T0), kept)


def page(*rows: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(rows).encode())


def told(kept: Kept) -> dict[str, Decimal]:
    """The last word on each currency and contract."""
    return {
        event.currency if isinstance(event, Balance) else event.symbol: (
            event.total if isinstance(event, Balance) else event.quantity
        )
        for event in kept.events
        if isinstance(event, Balance | PositionReport)
    }


USDT = {"currency": "USDT", "free": 1.0, "balance": 0.30000000000000004, "is_position": False, "position": 0}
SHORT = {"currency": "BTC/USDT:USDT", "balance": 0, "is_position": True, "position": 0.25, "side": "short"}


def test_currencies_and_contracts(kept: Kept, holdings: Holdings) -> None:
    """A currency with all that is locked, digit by digit; a contract in coins, negative when short."""
    holdings.take(page(USDT, SHORT, SHORT | {"currency": "ETH/USDT:USDT", "side": "long"}))
    assert told(kept) == {
        "USDT": Decimal("0.30000000000000004"),
        "BTC/USDT:USDT": Decimal("-0.25"),
        "ETH/USDT:USDT": Decimal("0.25"),
    }
    assert all((e.exchange, e.ts) == ("alpha", T0) and getattr(e, "account", "") == "main" for e in kept.events)


def test_what_is_not_named_any_more_is_gone(kept: Kept, holdings: Holdings) -> None:
    """freqtrade leaves out what is zero; that is said once."""
    holdings.take(page(USDT, SHORT))
    holdings.take(page(USDT))
    assert told(kept)["BTC/USDT:USDT"] == 0
    count = len(kept.events)
    holdings.take(page(USDT))
    assert len(kept.events) == count + 1


def test_a_row_that_makes_no_sense(kept: Kept, holdings: Holdings) -> None:
    """It is refused, and the others are taken."""
    holdings.take(page({"currency": "", "balance": 1}, SHORT | {"currency": "BTC"}, USDT))
    assert told(kept) == {"USDT": Decimal("0.30000000000000004")}
    with pytest.raises(EventError, match="the bot's balances cannot be read"):
        holdings.take(page({"balance": 1}))
