"""Request weight, as Binance limits it by the minute."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.dialects.binance.words import TOO_MANY_REQUESTS, Refused

WEIGHT_LIMIT = 6000
MINUTE_MS = 60_000


class Throttled(Refused):
    """The client used up its request weight; ``retry_after`` in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(*TOO_MANY_REQUESTS, status=429)
        self.retry_after = retry_after


@dataclass
class WeightMeter:
    """Request weight used in the present minute; all clients of the simulator count as one address."""

    limit: int = WEIGHT_LIMIT
    used: int = 0
    _minute: int = -1

    def use(self, weight: int, now: int) -> None:
        """Count ``weight`` at ``now`` (ms); raises Throttled beyond the limit, until the minute is over."""
        minute = now // MINUTE_MS
        if minute != self._minute:
            self._minute, self.used = minute, 0
        self.used += weight
        if self.used > self.limit:
            raise Throttled(retry_after=(MINUTE_MS - now % MINUTE_MS) // 1000 + 1)
