"""Everything that is known now, in one place."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from exporter.config import Config
from exporter.journal import Journal
from exporter.ledger.currency import Rates
from exporter.ledger.ledger import Ledger
from exporter.metrics import LATENCY_BUCKETS
from exporter.state.bots import BotState
from exporter.state.breaker import Breaker
from exporter.state.exchange import ExchangeState
from exporter.state.histogram import Histogram
from exporter.state.host import HostState
from exporter.state.incidents import Incidents
from exporter.state.journal import JournalState
from exporter.state.market import MarketState
from exporter.state.orders import OrdersState
from exporter.state.push import PushState
from exporter.state.quality import Quality
from exporter.state.risk import RiskState
from exporter.state.signals import Signals
from exporter.state.sms import Texts
from exporter.state.stream import Changes, StreamState

Clock = Callable[[], float]


OWN = "source"
"""The first part of the names of components that fail only by a fault of the exporter itself."""


@dataclass(slots=True)
class Component:
    """A part of the exporter: whether it runs, and in words what keeps it from doing so.

    ``failing`` says that a failure was logged, and not yet its end.
    """

    up: bool = False
    detail: str = "starting"
    failing: bool = False


@dataclass(slots=True)
class IntakeCounts:
    """What came in."""

    accepted: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    rejected: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    lag: defaultdict[str, Histogram] = field(default_factory=lambda: defaultdict(lambda: Histogram(LATENCY_BUCKETS)))


class State:
    """What sources fill and collectors read.

    ``clock`` gives Unix time in seconds; ``log`` keeps what must not be lost, in memory if none is given.
    """

    def __init__(self, config: Config, clock: Clock = time.time, log: Journal | None = None) -> None:
        self.config = config
        self.clock = clock
        self.log = Journal.open(None) if log is None else log
        self.journal = JournalState(self.log.figures)
        rates = Rates(config.currency.pegs, config.targets.market_data_age_seconds)
        self.ledger = Ledger(rates, self.log, config.accounting.cost_basis)
        self.exchanges: defaultdict[str, ExchangeState] = defaultdict(ExchangeState)
        self.markets: defaultdict[tuple[str, str], MarketState] = defaultdict(MarketState)
        self.risk = RiskState(config.risk)
        self.orders = OrdersState()
        self.quality = Quality(
            self.ledger.rates,
            self.orders,
            tuple(config.quality.markout_horizons_seconds),
            config.targets.market_data_age_seconds,
            config.quality.quote_age_seconds,
        )
        self.signals = Signals(config.models)
        self.host = HostState()
        self.incidents = Incidents(config.incidents, clock)
        self.texts = Texts(config.sms.queue)
        self.bots: dict[str, BotState] = {}
        self.components: defaultdict[str, Component] = defaultdict(Component)
        self.breakers: dict[str, Breaker] = {}  # of components that are begun anew
        self.intake = IntakeCounts()
        self.push = PushState()
        self.stream = StreamState()
        self.changes = Changes()
        self.dropped: defaultdict[str, int] = defaultdict(int)  # samples beyond the series limit, by family
