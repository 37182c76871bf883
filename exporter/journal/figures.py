"""What the journal tells of itself, in plain numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from exporter.journal.rows import GROUPS


class Durations(Protocol):
    """Whoever counts how long things took, such as a histogram."""

    def observe(self, value: float) -> None:
        """Count one, in seconds."""


class _Nobody:
    def observe(self, value: float) -> None:
        """Nobody counts."""


def _zeros() -> dict[str, int]:
    return dict.fromkeys(GROUPS, 0)


@dataclass(slots=True)
class Figures:
    """Filled by the journal, read by whoever likes.

    ``rows`` and ``records`` are all that were ever written, forgotten ones included, by group; ``pending`` the
    records that are not on disk yet; ``size`` in bytes; times are Unix seconds. ``failing_since`` is None while
    the journal can be written, ``error`` a word that says why not. ``salvaged`` says that the file was
    found damaged at this start, ``lost_rows`` how many rows are known to be lost.
    """

    rows: dict[str, int] = field(default_factory=_zeros)
    records: dict[str, int] = field(default_factory=_zeros)
    pending: int = 0
    size: int = 0
    last_commit: float | None = None
    failing_since: float | None = None
    error: str = ""
    failures: int = 0
    salvaged: bool = False
    lost_rows: int = 0
    commits: Durations = field(default_factory=_Nobody)
