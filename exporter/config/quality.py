"""The section on the quality of market making."""

from __future__ import annotations

from typing import Annotated

import msgspec

from exporter.config.base import Seconds, Section

Horizon = Annotated[float, msgspec.Meta(gt=0, le=1_800)]  # mids are kept for an hour, and a fill may come late
Horizons = Annotated[tuple[Horizon, ...], msgspec.Meta(max_length=20)]


class Quality(Section, frozen=True):
    """``markout_horizons_seconds`` are the times after a fill at which the price is looked at again.

    What a bot tells of its quotes is believed for ``quote_age_seconds``.
    """

    markout_horizons_seconds: Horizons = (0.1, 1.0, 5.0, 30.0, 300.0)
    quote_age_seconds: Seconds = 60.0
