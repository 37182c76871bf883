"""One served exchange: its engine, its markets, its faults and who listens to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.dialect import TOO_MANY_REQUESTS, Refused
from simulator.exchange import Exchange
from simulator.faults import Faults
from simulator.instruments import Instrument
from simulator.market import Market
from simulator.signing import Credentials
from simulator.stream import Hub

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


@dataclass
class Venue:
    """Everything that belongs to one exchange; ``now`` is the wall clock in milliseconds."""

    exchange: Exchange
    markets: dict[str, Market]
    faults: Faults
    hub: Hub
    credentials: Credentials
    now: Callable[[], int]
    weight: WeightMeter = field(default_factory=WeightMeter)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        """The exchange's configured name."""
        return self.exchange.name

    def instrument(self, market_id: str) -> Instrument:
        """Return the instrument with the exchange's own id (``BTCUSDT``); raises Refused."""
        for instrument in self.exchange.instruments.values():
            if instrument.market_id == market_id:
                return instrument
        raise Refused(-1121, "Invalid symbol.")

    def server_time(self, path: str) -> int:
        """Return the time (ms) as the exchange tells it on ``path``: a fault may skew it."""
        return self.now() + self.faults.skew(path)
