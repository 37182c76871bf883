"""The section ``supervision``: how parts that fail are begun anew."""

from __future__ import annotations

from exporter.config.base import Count, Seconds, Section


class Supervision(Section, frozen=True):
    """All in seconds, ``open_after`` apart.

    The first pause is ``retry_after``, each further one twice as long, up to half a minute. After ``open_after``
    failures in a row the circuit is open: the part is left alone for ``open_for``, then tried once, and left alone for
    twice as long, up to ``open_longest``. A part that ran for ``steady_after`` works; its pauses are short again.
    """

    retry_after: Seconds = 1.0
    steady_after: Seconds = 60.0
    open_after: Count = 5
    open_for: Seconds = 60.0
    open_longest: Seconds = 600.0
