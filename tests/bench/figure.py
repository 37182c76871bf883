"""What a measurement prints."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line: name, value, unit, target (empty where the figure is there to compare with), and what else to say."""

    name: str
    value: float
    unit: str
    target: str = ""
    note: str = ""

    def line(self) -> str:
        """The columns in fixed widths."""
        return f"{self.name:<58} {self.value:>12.4g} {self.unit:<9} {self.target:<6} {self.note}".rstrip()


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the values lie, of at least two."""
    return statistics.quantiles(values, n=1000, method="inclusive")[round(share * 1000) - 1]
