"""How a part that fails is left alone: for growing times, and never for ever."""

from __future__ import annotations

import random
from dataclasses import dataclass

from exporter.config import Supervision

_LONGEST = 30.0  # seconds between two tries while the circuit is closed
_DOUBLINGS = 30


@dataclass(slots=True)
class Breaker:
    """``failures`` are those in a row; ``restarts`` all the times that the part was begun anew.

    ``vital`` is what everything else needs: however often it fails, it is never left alone for long.
    """

    rules: Supervision
    vital: bool = False
    failures: int = 0
    restarts: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the part failed so often that it is left alone, but for a try from time to time."""
        return self.failures >= self.rules.open_after

    def failed(self) -> float:
        """Count a failure; for how many seconds the part is left alone now.

        While the circuit is closed, up to half of the pause is taken off at random, so that what failed together is not
        tried together, then or later.
        """
        self.failures += 1
        return self._pause() * (1.0 if self.is_open else random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret

    def works(self) -> None:
        """The part has run for long enough."""
        self.failures = 0

    def _pause(self) -> float:
        rules, more = self.rules, self.failures - self.rules.open_after
        if more < 0:
            return min(_LONGEST, rules.retry_after * 2.0 ** min(self.failures - 1, _DOUBLINGS))
        longest = rules.open_for if self.vital else max(rules.open_for, rules.open_longest)
        return min(longest, rules.open_for * 2.0 ** min(more, _DOUBLINGS))
