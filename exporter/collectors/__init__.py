"""State → metric families, one module for each subsystem.

A collector is a module in this folder with ``collect(state: State) -> Iterator[Batch]``; being there is
all the registration it needs. Families are built afresh at each scrape, so what is gone from the state is
gone from the exposition. A collector that fails takes only its own families with it.
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

    A collector's samples are taken in full before they are handed on, so that its failure leaves no
    half-written family and its duration is its own.
    """
    success: list[Sample] = []
    durations: list[Sample] = []
    for name, collect in collectors.items():
        started = time.perf_counter()
        try:
            batches: list[Batch] = [(family, list(samples)) for family, samples in collect(state)]
        except Exception:
            log.exception("collector failed", extra={"collector": name})
            batches = []
            success.append(((name,), 0))
        else:
            success.append(((name,), 1))
        durations.append(((name,), time.perf_counter() - started))
        yield from batches
    yield metrics.COLLECTOR_SUCCESS, success
    yield metrics.COLLECTOR_DURATION, durations
