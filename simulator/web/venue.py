"""One served exchange: its engine, its markets, its faults and who listens to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.engine.exchange import Exchange
from simulator.engine.market import Market
from simulator.engine.statistics import Statistics
from simulator.web.credentials import Credentials
from simulator.web.faults import Faults
from simulator.web.hub import Hub


@dataclass
class Venue:
    """Everything that belongs to one exchange but its language; ``now`` is the wall clock in milliseconds.

    ``request_limit`` replaces the limit that is usual in the exchange's dialect, in the dialect's own units.
    """

    exchange: Exchange
    markets: dict[str, Market]
    statistics: Statistics
    faults: Faults
    hub: Hub
    credentials: Credentials
    now: Callable[[], int]
    request_limit: int | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        """The exchange's configured name."""
        return self.exchange.name

    def server_time(self, path: str) -> int:
        """Return the time (ms) as the exchange tells it on ``path``: a fault may skew it."""
        return self.now() + self.faults.skew(path)
