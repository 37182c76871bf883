"""The section on risk."""

from __future__ import annotations

from typing import Annotated

import msgspec

from exporter.config.base import Hours, Seconds, Section

Confidence = Annotated[float, msgspec.Meta(gt=0.5, lt=1)]
AboveZero = Annotated[float, msgspec.Meta(gt=0)]
AccountName = Annotated[str, msgspec.Meta(pattern=r"^[^/]+/[^/]+$")]


class RiskLimits(Section, frozen=True):
    """What may be held, in USD: of a symbol net over all accounts, on an exchange and in all gross."""

    symbol_usd: dict[str, AboveZero] = {}
    exchange_usd: dict[str, AboveZero] = {}
    total_usd: AboveZero | None = None


class RiskSettings(Section, frozen=True):
    """Value at risk and drawdown come from PnL sampled every ``sample_seconds`` over the last ``window_hours``.

    ``capital_usd`` is what each ``exchange/account`` started with.
    """

    sample_seconds: Seconds = 300.0
    window_hours: Hours = 720.0
    horizon_seconds: Seconds = 3600.0
    confidence: tuple[Confidence, ...] = (0.95, 0.99)
    capital_usd: dict[AccountName, AboveZero] = {}
    limits: RiskLimits = RiskLimits()
