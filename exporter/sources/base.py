"""What all sources share: restarting with back-off."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(slots=True)
class Backoff:
    """Delays that double from ``first`` to ``longest`` seconds, each shortened at random by up to a half.

    The randomness keeps many clients from coming back at the same moment.
    """

    first: float = 1.0
    longest: float = 30.0
    _attempts: int = 0

    def next(self) -> float:
        """The next delay in seconds."""
        delay = min(self.longest, self.first * 2.0**self._attempts)
        self._attempts = min(self._attempts + 1, 30)
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret

    def reset(self) -> None:
        """Start again from the first delay, after a success."""
        self._attempts = 0
