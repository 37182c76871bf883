"""What a trade cost, each amount once and in the currency that it was paid in."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from exporter.errors import EventError
from exporter.events import Fee, Side
from exporter.sources.hummingbot.fees import paid


def fees(fee: Any, symbol: str = "ETH/USDT", side: Side = "buy") -> dict[str, str]:
    """The fees of 0.5 at 3000."""
    found = paid(fee, symbol, side, Decimal(3000), Decimal("0.5"))
    return {each.currency: f"{each.amount:f}" for each in ((found,) if isinstance(found, Fee) else found or ())}


def recorded(fee_type: str = "AddedToCost", percent: str = "0", token: str | None = None, **flat: str) -> Any:
    listed = [{"token": name, "amount": amount} for name, amount in flat.items()]
    return {"fee_type": fee_type, "percent": percent, "percent_token": token, "flat_fees": listed}


@pytest.mark.parametrize(
    ("fee", "symbol", "side", "expected"),
    [
        (recorded(USDT="1.803003"), "ETH/USDT", "sell", {"USDT": "1.803003"}),
        (recorded(token="BNB", BNB="0.00001234"), "ETH/USDT", "buy", {"BNB": "0.00001234"}),
        (recorded(USDT="-0.0034554"), "ETH/USDT", "sell", {"USDT": "-0.0034554"}),
        (recorded(ETH="0.0001", BNB="0.2"), "ETH/USDT", "buy", {"ETH": "0.0001", "BNB": "0.2"}),
        (recorded(), "ETH/USDT", "buy", {}),
        # By percentage: in the quote currency, but in what was bought where it is deducted from that.
        (recorded(percent="0.001"), "ETH/USDT", "buy", {"USDT": "1.5000"}),
        (recorded("DeductedFromReturns", "0.001"), "ETH/USDT", "sell", {"USDT": "1.5000"}),
        (recorded("DeductedFromReturns", "0.001"), "ETH/USDT", "buy", {"ETH": "0.0005"}),
        (recorded("DeductedFromReturns", "0.001"), "ETH/USDT:USDT", "buy", {"USDT": "1.5000"}),
        (recorded(percent="0.001", token="ETH"), "ETH/USDT", "buy", {"ETH": "0.0005"}),
        (recorded(percent="-0.0001"), "ETH/USDT", "buy", {"USDT": "-0.15000"}),
        # In a third token: hummingbot keeps only what the fee is worth.
        (recorded(percent="0.001", token="BNB"), "ETH/USDT", "buy", {"USDT": "1.5000"}),
        # Both kinds at once are two fees.
        (recorded(percent="0.001", USDT="0.25", BNB="0.1"), "ETH/USDT", "sell", {"USDT": "1.7500", "BNB": "0.1"}),
        # As hummingbot wrote it in 2019 to 2021.
        ({"percent": 0.001, "flat_fees": [["BNB", 0.01]]}, "ETH/USDT", "buy", {"BNB": "0.01", "USDT": "1.5000"}),
        ({"percent": 0, "flat_fees": [{"asset": "BNB", "amount": 0.01}]}, "ETH/USDT", "buy", {"BNB": "0.01"}),
    ],
)
def test_each_fee_is_given_in_its_currency(fee: Any, symbol: str, side: Side, expected: dict[str, str]) -> None:
    """Flat fees as they were charged, fees by percentage worked out, those of one currency added up."""
    assert fees(fee, symbol, side) == expected
    assert fees(json.loads(json.dumps(fee)), symbol, side) == expected


@pytest.mark.parametrize(
    "fee",
    [
        None,
        "0.1",
        {"flat_fees": "much"},
        {"flat_fees": [7]},
        {"flat_fees": [{"token": "BNB"}]},
        {"flat_fees": [{"token": "", "amount": "1"}]},
        {"percent": "some"},
        {"percent": "NaN"},
        {"percent": "1e999999"},
    ],
)
def test_nonsense_is_refused(fee: Any) -> None:
    """What is no fee is an error that says so, not a fee of nothing."""
    with pytest.raises(EventError, match=r"fee|token and amount"):
        fees(fee)
