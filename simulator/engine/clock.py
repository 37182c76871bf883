"""The logical clock that orders fills and book publications within one exchange."""

from __future__ import annotations

from collections.abc import Callable

Skew = Callable[[], int]


def no_skew() -> int:
    """Return 0: a clock that is right."""
    return 0


class EventClock:
    """Gives fills and publications times (ms) between which "the last one before" has one answer.

    A publication is strictly later than every fill before it, a fill is never earlier than a publication
    before it, and a symbol's publications are strictly increasing. So, among the publications of any
    symbol, the last with time <= the fill's is the one that was in force when the fill happened.

    ``skew`` gives by how much (ms) the exchange's clock is wrong at present: all times are told with it. Like
    any clock that is set, one whose skew changes may jump; in between, the order holds.
    """

    def __init__(self, skew: Skew = no_skew) -> None:
        self._skew = skew
        self._last_fill = 0
        self._last_publication = 0
        self._by_symbol: dict[str, int] = {}

    def fill(self, now: int) -> int:
        """Return the time of a fill that happens at wall time ``now``."""
        self._last_fill = max(now, self._last_publication, self._last_fill)
        return self._last_fill + self._skew()

    def publication(self, symbol: str, now: int) -> int:
        """Return the time of a publication of ``symbol``'s book at wall time ``now``."""
        time = max(now, self._last_fill + 1, self._by_symbol.get(symbol, 0) + 1)
        self._by_symbol[symbol] = time
        self._last_publication = max(self._last_publication, time)
        return time + self._skew()

    def other(self, now: int) -> int:
        """Return the time of anything else: never before what has already happened."""
        return max(now, self._last_fill, self._last_publication) + self._skew()
