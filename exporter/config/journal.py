"""The section of the journal."""

from __future__ import annotations

from typing import Annotated

import msgspec

from exporter.config.base import Count, Seconds, Section

Days = Annotated[float, msgspec.Meta(gt=0, le=36_500)]  # at most a century


class Journal(Section, frozen=True):
    """Where is kept what must not be lost; without a ``path`` only in memory.

    ``retention_days`` is for what may be forgotten: balances, positions, ended orders. ``max_pending`` bounds the
    records that wait for the disk, ``snapshot_seconds`` is the time between two savings of the state.
    """

    path: str | None = None
    retention_days: Days = 30.0
    max_pending: Count = 200_000
    snapshot_seconds: Seconds = 600.0
