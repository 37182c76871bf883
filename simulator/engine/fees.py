"""What trading costs and in which asset it is paid."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from simulator.engine.instruments import Instrument
from simulator.engine.orders import Side

COMMISSION_STEP = Decimal("0.00000001")


class FeeAsset(StrEnum):
    """Where fees are taken from: the token BNB, the quote currency, or whatever the fill brought in."""

    BNB = "BNB"
    QUOTE = "quote"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """Rates as a share of a fill's notional; a negative rate is a rebate."""

    maker: Decimal = Decimal("0.0002")
    taker: Decimal = Decimal("0.001")
    asset: FeeAsset = FeeAsset.BNB

    def rate(self, *, is_maker: bool) -> Decimal:
        """Return the rate for one fill."""
        return self.maker if is_maker else self.taker

    def asset_for(self, instrument: Instrument, side: Side) -> str:
        """Return the asset in which a fill of ``side`` pays."""
        if self.asset is FeeAsset.BNB:
            return "BNB"
        if instrument.is_contract:
            return instrument.settle
        return instrument.quote if self.asset is FeeAsset.QUOTE else received(instrument, side)


def received(instrument: Instrument, side: Side) -> str:
    """Return the asset that a fill of ``side`` brings in."""
    if instrument.is_contract:
        return instrument.settle
    return instrument.base if side is Side.BUY else instrument.quote


def commission(amount: Decimal) -> Decimal:
    """Return ``amount`` rounded to the step in which exchanges charge."""
    return amount.quantize(COMMISSION_STEP, ROUND_HALF_UP)
