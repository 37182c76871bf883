"""What a cache counted, be it read by us or told by the program that it is part of."""

from __future__ import annotations

import msgspec


class CacheFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Counts since the cache began, and what it holds now; None where it does not tell."""

    hits: float
    misses: float
    evictions: float | None = None
    entries: float | None = None
    memory_bytes: float | None = None
    memory_limit_bytes: float | None = None
    warmed_entries: float | None = None
    warmed_hits: float | None = None
