"""Kraken's counter of private calls: each adds to it, and time takes away from it."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.dialects.kraken.words import RATE_LIMIT, Refused

CALL_LIMIT = 200
"""Far beyond what the real exchange allows anybody, so that a demo need not wait for its first figures."""
SECONDS_TO_EMPTY = 10


@dataclass
class CallCounter:
    """Rises with each call and falls by a tenth of the limit a second; all clients share the account's."""

    limit: int = CALL_LIMIT
    _level: float = 0.0
    _at: int = 0

    def use(self, cost: int, now: int) -> None:
        """Count a call at ``now`` (ms); raises Refused while the limit is reached."""
        fallen = max(0, now - self._at) / 1000 * self.limit / SECONDS_TO_EMPTY
        self._level, self._at = max(0.0, self._level - fallen), now
        if self._level + cost > self.limit:
            raise Refused(RATE_LIMIT)
        self._level += cost
