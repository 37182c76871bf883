"""What types alone cannot tell: values that contradict each other, or that would do harm.

Each module looks at some sections.
"""

from __future__ import annotations

from collections.abc import Iterator

from exporter.config.checks import access, bots, caches, exchanges, figures, links, parts
from exporter.config.checks.exchanges import Known
from exporter.config.document import Problem
from exporter.config.schema import Config

__all__ = ["Known", "problems"]


def problems(config: Config, known: Known | None) -> Iterator[Problem]:
    """Everything that is wrong with what is on, with its place; with ``known``, exchanges are held against that."""
    yield from exchanges.problems(config, known)
    for found in (bots.problems, caches.problems, access.problems, links.problems, figures.problems, parts.problems):
        yield from found(config)
