"""What is counted anyway, as sums that only grow: two looks at them give the figures of the time between."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.live.pnl import TotalPnl
from exporter.state.exchange import PROBE, UNAVAILABLE, ExchangeState
from exporter.state.signals import Signals
from exporter.state.state import State

Key = tuple[str, ...]
Sums = dict[Key, float]

_MANY = 200  # of what is read at once


class Following:
    """Sums of others, from when they were first seen: what each grew by, whatever it was before.

    A cache's counts begin anew with it; with ``resets`` a sum that fell counts from zero, otherwise it stood still.
    """

    def __init__(self, *, resets: bool) -> None:
        self._resets = resets
        self._last: Sums = {}
        self._grown: Sums = {}

    def follow(self, key: Key, value: float) -> float:
        """By how much a sum grew so far."""
        step = value - self._last.get(key, value)
        if step < 0:
            step = value if self._resets else 0.0
        self._last[key] = value
        grown = self._grown[key] = self._grown.get(key, 0.0) + step
        return grown


class Survey:
    """All sums; ``quick`` reads those that are read every second, ``slow`` those that are many, and PnL, in slices."""

    def __init__(self, state: State) -> None:
        self.pnl = TotalPnl()
        self._state = state
        self._host = Following(resets=False)
        self._others = Following(resets=True)
        self._slow: Sums = {}

    def quick(self) -> Sums:
        """All sums as they are now, those of `slow` as they were read last."""
        sums = dict(self._slow)
        sums.update(_requests(self._state.signals))
        sums.update(_business(self._state.signals))
        sums.update(self._of_host())
        for name, exchange in self._state.exchanges.items():
            sums.update(_exchange(name, exchange))
        return sums

    def slow(self) -> Iterator[None]:
        """Read caches, spreads and PnL; yields between slices of less than a millisecond."""
        sums: Sums = {}
        for part in (self._of_caches(sums), self._of_markets(sums), self._of_quotes(sums)):
            for number, _ in enumerate(part, start=1):
                if number % _MANY == 0:
                    yield
        self._slow = sums
        yield from self.pnl.read(self._state.ledger, self._state.clock())

    def _of_host(self) -> Iterator[tuple[Key, float]]:
        host, follow = self._state.host, self._host.follow
        if host.cpu:
            idle = host.cpu.get("idle", 0.0) + host.cpu.get("iowait", 0.0)  # waiting for a disk is not work
            total = sum(host.cpu.values())
            yield ("cpu",), follow(("cpu",), total)
            yield ("cpu_busy",), follow(("cpu_busy",), total - idle)
        if host.disk:
            yield ("disk",), follow(("disk",), sum(host.disk.values()))
        if host.network_bytes:
            yield ("network",), follow(("network",), sum(host.network_bytes.values()))

    def _of_caches(self, sums: Sums) -> Iterator[None]:
        for (name, tier), figures in list(self._state.signals.caches.items()):
            self._add(sums, ("hits", tier), (name,), figures.hits)
            self._add(sums, ("misses", tier), (name,), figures.misses)
            if figures.warmed_entries is not None and figures.warmed_hits is not None:
                sums["warmed_entries",] = sums.get(("warmed_entries",), 0.0) + figures.warmed_entries
                sums["warmed_hits",] = sums.get(("warmed_hits",), 0.0) + figures.warmed_hits
            yield

    def _of_markets(self, sums: Sums) -> Iterator[None]:
        """Of the markets that we quote on; of all while we quote on none."""
        now = self._state.clock()
        quoted = {(key.exchange, key.symbol) for key in self._state.quality.quotes}
        for key, market in list(self._state.markets.items()):
            market.integrate(now)
            for chosen in ("all", "quoted") if key in quoted else ("all",):
                self._add(sums, ("market", chosen), key, market.spread_seconds)
                self._add(sums, ("observed", chosen), key, market.observed_seconds)
            yield

    def _of_quotes(self, sums: Sums) -> Iterator[None]:
        now = self._state.clock()
        for key, quotes in list(self._state.quality.quotes.items()):
            quotes.integrate(now)
            self._add(sums, ("quote",), key, quotes.spread_seconds)
            self._add(sums, ("two_sided",), key, quotes.two_sided_seconds)
            yield

    def _add(self, sums: Sums, key: Key, of: Key, value: float) -> None:
        """Add what one of them grew by since it was first there."""
        sums[key] = sums.get(key, 0.0) + self._others.follow((*key, *of), value)


def _requests(signals: Signals) -> Iterator[tuple[Key, float]]:
    answered = signals.answered
    yield ("requests",), float(sum(answered.counts))
    yield ("seconds",), answered.total
    yield ("failures",), float(signals.failures)
    for place, count in enumerate(answered.counts):
        yield ("bucket", str(place)), float(count)


def _business(signals: Signals) -> Iterator[tuple[Key, float]]:
    for name in ("revenue_usd", "api_calls"):
        if name in signals.sums:
            yield (name,), signals.sums[name]


def _exchange(name: str, exchange: ExchangeState) -> Iterator[tuple[Key, float]]:
    requests = errors = unavailable = 0
    seconds = 0.0
    for operation, counted in exchange.operations.items():
        own = sum(counted.errors[kind] for kind in UNAVAILABLE)
        requests += counted.requests
        errors += sum(counted.errors.values())
        unavailable += own
        seconds += counted.duration.total
        if operation == PROBE:
            yield ("probes", name), float(counted.requests)
            yield ("probes_lost", name), float(own)
    yield ("exchange_requests", name), float(requests)
    yield ("exchange_errors", name), float(errors)
    yield ("exchange_lost", name), float(unavailable)
    yield ("exchange_seconds", name), seconds
