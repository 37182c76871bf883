"""State → metric families, one module for each subsystem.

A collector is a module in this folder with ``collect(state: State) -> Iterator[Batch]``; being there is
all the registration it needs. Families are built afresh at each scrape, so what is gone from the state is
gone from the exposition. A collector that fails takes only its own families with it, and they come whole or not at all.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import time
from collections.abc import Callable, Iterator

from exporter import metrics
from exporter.config import Config
from exporter.exposition import Batch, Sample
from exporter.state.breaker import Breaker
from exporter.state.state import State

log = logging.getLogger(__name__)

Collect = Callable[[State], Iterator[Batch]]


def discover() -> dict[str, Collect]:
    """The collectors of this folder by their module's name."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}").collect for name in modules}


def switched_on(config: Config) -> dict[str, Collect]:
    """The collectors that the configuration does not switch off."""
    off = {name for name, switch in config.collectors.items() if not switch.enabled}
    return {name: collect for name, collect in discover().items() if name not in off}


def gather(collectors: dict[str, Collect], state: State) -> Iterator[Batch]:
    """One scrape alone."""
    return Gatherer(collectors, state).batches()


class Gatherer:
    """Scrapes; what fails again and again is left alone for growing times (see `Breaker`)."""

    def __init__(self, collectors: dict[str, Collect], state: State) -> None:
        self._collectors = [_Collector(name, collect, state) for name, collect in collectors.items()]

    def batches(self) -> Iterator[Batch]:
        """All batches of a scrape, and last how each collector fared.

        A family's samples are taken in full before they are handed on, so that a failure leaves none half
        written; between two families the caller may let the event loop turn.
        """
        success: list[Sample] = []
        durations: list[Sample] = []
        for collector in self._collectors:
            run = _Run(collector)
            yield from run
            success.append(((collector.name,), int(run.succeeded)))
            durations.append(((collector.name,), run.seconds))
        yield metrics.COLLECTOR_SUCCESS, success
        yield metrics.COLLECTOR_DURATION, durations


class _Collector:
    """One collector from scrape to scrape. While it is left alone, only the ``good`` first batches are taken of it."""

    def __init__(self, name: str, collect: Collect, state: State) -> None:
        self.name = name
        self.good = 0
        self._part = f"collector/{name}"
        self._collect = collect
        self._state = state
        self._breaker = state.breakers.setdefault(self._part, Breaker(state.config.supervision))
        self._until = 0.0

    @property
    def rests(self) -> bool:
        """Whether it is left alone."""
        return time.monotonic() < self._until

    def begin(self) -> Iterator[Batch]:
        """Its batches."""
        if self._breaker.failures and not self.rests:
            self._breaker.restarts += 1
        return self._collect(self._state)

    def failed(self, good: int) -> None:
        """It failed after so many batches."""
        pause = self._breaker.failed()
        self.good, self._until = good, time.monotonic() + pause
        extra = {"collector": self.name, "failures": self._breaker.failures, "pause_seconds": round(pause, 3)}
        log.exception("collector failed", extra=extra)
        part = self._state.components[self._part]
        part.up, part.detail = False, f"what it failed at is tried again in {pause:.0f} s; the log has the fault"

    def works(self) -> None:
        """It came to its end."""
        if self._breaker.failures:
            log.info("collector works again", extra={"collector": self.name})
            self._breaker.works()
            part = self._state.components[self._part]
            part.up, part.detail = True, ""


class _Run:
    """One collector in one scrape: its batches, the time it took itself, and whether it succeeded."""

    def __init__(self, collector: _Collector) -> None:
        self._collector = collector
        self._most = collector.good if collector.rests else None
        self._batches = collector.begin()
        self._count = 0
        self.succeeded = self._most is None
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Batch]:
        while self._count != self._most and (batch := self._next()) is not None:
            self._count += 1
            yield batch
        if self.succeeded:
            self._collector.works()

    def _next(self) -> Batch | None:
        started = time.perf_counter()
        try:
            batch = next(self._batches, None)
            return batch and (batch[0], list(batch[1]))
        except Exception:
            self._collector.failed(self._count)
            self.succeeded = False
            return None
        finally:
            self.seconds += time.perf_counter() - started
