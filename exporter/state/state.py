"""Everything that is known now, in one place."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from exporter.config import Config
from exporter.ledger.currency import Rates
from exporter.ledger.ledger import Ledger
from exporter.metrics import LATENCY_BUCKETS
from exporter.state.exchange import ExchangeState
from exporter.state.histogram import Histogram
from exporter.state.market import MarketState
from exporter.state.orders import OrdersState

Clock = Callable[[], float]


OWN = "source"
"""The first part of the names of components that fail only by a fault of the exporter itself."""


@dataclass(slots=True)
class Component:
    """A part of the exporter: whether it runs, and in words what keeps it from doing so."""

    up: bool = False
    detail: str = "starting"


@dataclass(slots=True)
class IntakeCounts:
    """What came in."""

    accepted: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    rejected: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    lag: defaultdict[str, Histogram] = field(default_factory=lambda: defaultdict(lambda: Histogram(LATENCY_BUCKETS)))


class State:
    """What sources fill and collectors read. ``clock`` gives Unix time in seconds."""

    def __init__(self, config: Config, clock: Clock = time.time) -> None:
        self.config = config
        self.clock = clock
        self.ledger = Ledger(Rates(config.currency.pegs, config.targets.market_data_age_seconds))
        self.exchanges: defaultdict[str, ExchangeState] = defaultdict(ExchangeState)
        self.markets: defaultdict[tuple[str, str], MarketState] = defaultdict(MarketState)
        self.orders = OrdersState()
        self.components: defaultdict[str, Component] = defaultdict(Component)
        self.intake = IntakeCounts()
        self.dropped: defaultdict[str, int] = defaultdict(int)  # samples beyond the series limit, by family
