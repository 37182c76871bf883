"""Values on their way into an answer, and why some of them are missing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

from exporter.live.recorded import Recorded

T = TypeVar("T")

_FIRST, _LAST = 0.0, datetime(9999, 12, 31, tzinfo=UTC).timestamp()


def moment(ts: float) -> datetime:
    """Unix time as it stands in answers, to the millisecond; what no calendar has is its nearest end."""
    return datetime.fromtimestamp(round(min(max(ts, _FIRST), _LAST), 3), UTC)


class Answer:
    """``missing`` says of each place without a value why it has none; parts of a place are joined by dots."""

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}

    def known(self, place: str, value: T | None, why: str) -> T | None:
        """A value; without one, the reason is noted."""
        if value is None:
            self.missing[place] = why
        return value

    def figure(self, place: str, value: float | None, why: str, factor: float = 1.0) -> float | None:
        """The same of a figure, which is brought into the unit of the answer."""
        return self.known(place, None if value is None else round(value * factor, 4), why)


class Facts(Answer):
    """The same, out of recorded series; without them ``why`` says why Prometheus does not tell."""

    def __init__(self, recorded: Recorded | None, why: str) -> None:
        super().__init__()
        self.recorded = recorded or Recorded({})
        self.is_told = recorded is not None
        self._why = why

    def one(self, place: str, series: str, factor: float = 1.0) -> float | None:
        """The value of a series of the whole system."""
        return self.figure(place, self.recorded.one(series), self.why(series), factor)

    def count(self, place: str, series: str) -> int | None:
        """The same of a number of things."""
        value = self.recorded.one(series)
        return self.known(place, None if value is None else round(value), self.why(series))

    def word(self, place: str, series: str, words: Sequence[T], least: int = 0) -> T | None:
        """The same of a level, in words, the first of which stands for ``least``."""
        return self.level(place, self.recorded.one(series), series, words, least)

    def level(self, place: str, value: float | None, series: str, words: Sequence[T], least: int = 0) -> T | None:
        """The word for a value of this series."""
        word = None if value is None else words[min(max(int(value) - least, 0), len(words) - 1)]
        return self.known(place, word, self.why(series))

    def why(self, series: str) -> str:
        """Why a series has no value, if it has none."""
        return f"{series} has no value now; docs/rules.md says what makes it" if self.is_told else self._why
