"""Values that bots hand over, and what is sent of them."""

from __future__ import annotations

import enum
import logging
from decimal import Decimal
from typing import Any

import pytest

from exporter.client import Client
from tests.client.standin import standin


class Side(str, enum.Enum):  # noqa: UP042 - as many bots have it
    BUY = "buy"


class Loud(float):
    """As numpy's floats do, it prints more than its digits."""

    def __repr__(self) -> str:
        return f"Loud({float.__repr__(self)})"

    __str__ = __repr__


class Single:
    """As numpy's float32 does, it is no float and prints its digits."""

    def __str__(self) -> str:
        return "0.1"


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("boom")

    __repr__ = __str__


def report(**fields: Any) -> tuple[list[dict[str, Any]], str]:
    """What arrives of a fill, and the client's last error."""
    whole: dict[str, Any] = {"symbol": "BTC/USDT", "trade_id": "1", "side": "buy", "price": "1", "quantity": "1"}
    with standin() as server, Client(server.url, exchange="alpha") as reports:
        reports.fill(**(whole | fields))
        assert reports.flush(30)
        statistics = reports.statistics
        assert statistics.refused == 1 - len(server.taken)
        assert (statistics.lost, statistics.dropped) == (0, 0)
        return server.taken, statistics.last_error


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("60000.10", "60000.10"),
        (Decimal("0.0100"), "0.0100"),
        (7, "7"),
        (0.1, "0.1"),
        (1e-9, "1E-9"),
        (Loud(0.5), "0.5"),
        (Single(), "0.1"),
        (" 1 ", "1"),
    ],
)
def test_money_keeps_its_digits(given: Any, text: str) -> None:
    """Text and Decimal are sent as they are, a float as it prints."""
    (event,), _ = report(price=given)
    assert event["price"] == text


@pytest.mark.parametrize(
    "given", [float("nan"), float("inf"), "NaN", Decimal("sNaN"), "much", "1" * 300, True, [], Broken(), 10**300]
)
def test_what_cannot_be_money_is_left_out_and_said(given: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The report is counted as refused, and the log names the field."""
    events, error = report(price=given)
    assert events == []
    assert error.startswith("fill.price is ")
    assert [record.levelname for record in caplog.records if "fill.price" in record.getMessage()] == ["ERROR"]


@pytest.mark.parametrize(
    ("field", "given", "wire"),
    [
        ("trade_id", 812, "812"),
        ("side", Side.BUY, "buy"),
        ("symbol", 'a"\n\u2028é', 'a"\n\u2028é'),
        ("ts", 1_760_000_000, 1_760_000_000.0),
        ("fee", [["BNB", 1]], [{"currency": "BNB", "amount": "1"}]),
    ],
)
def test_other_values_are_taken_as_bots_have_them(field: str, given: Any, wire: Any) -> None:
    """Whole numbers as ids, enums as their values, and any text."""
    (event,), _ = report(**{field: given})
    assert event[field] == wire


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("trade_id", 1.5),
        ("side", b"buy"),
        ("fee", "0.1"),
        ("fee", ("BNB", float("nan"))),
        ("fee", 3),
        ("ts", "now"),
        ("ts", float("nan")),
        ("symbol", "\udcff"),
        ("symbol", "x" * 100_000),
        ("symbol", Broken()),
    ],
)
def test_what_no_event_can_have_is_left_out(field: str, given: Any) -> None:
    """It is counted, never raised."""
    events, error = report(**{field: given})
    assert events == []
    assert error


def test_a_kind_of_mistake_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A bot that is wrong each time does not fill its log."""
    with standin() as server, Client(server.url, exchange="alpha") as reports:
        for number in range(100):
            reports.balance(currency="BTC", total=float("nan"))
            reports.balance(currency="BTC", total=number)
            reports.transfer(nonsense=number)  # type: ignore[call-arg]  # the mistake
        assert reports.flush(30)
        assert reports.statistics.refused == 200
        assert len(server.taken) == 100
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 2
