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
from exporter.exposition import Batch, Sample
from exporter.state.state import State

log = logging.getLogger(__name__)

Collect = Callable[[State], Iterator[Batch]]


def discover() -> dict[str, Collect]:
    """The collectors of this folder by their module's name."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: importlib.import_module(f"{__name__}.{name}").collect for name in modules}


def gather(collectors: dict[str, Collect], state: State) -> Iterator[Batch]:
    """All batches of a scrape, and last how each collector fared.

    A family's samples are taken in full before they are handed on, so that a failure leaves none half
    written; between two families the caller may let the event loop turn.
    """
    success: list[Sample] = []
    durations: list[Sample] = []
    for name, collect in collectors.items():
        run = _Run(name, collect(state))
        yield from run
        success.append(((name,), int(run.succeeded)))
        durations.append(((name,), run.seconds))
    yield metrics.COLLECTOR_SUCCESS, success
    yield metrics.COLLECTOR_DURATION, durations


class _Run:
    """One collector in one scrape: its batches, the time it took itself, and whether it failed."""

    def __init__(self, name: str, batches: Iterator[Batch]) -> None:
        self._name = name
        self._batches = batches
        self.succeeded = True
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Batch]:
        while (batch := self._next()) is not None:
            yield batch

    def _next(self) -> Batch | None:
        started = time.perf_counter()
        try:
            batch = next(self._batches, None)
            return batch and (batch[0], list(batch[1]))
        except Exception:
            log.exception("collector failed", extra={"collector": self._name})
            self.succeeded = False
            return None
        finally:
            self.seconds += time.perf_counter() - started
