"""How the journal does."""

from __future__ import annotations

from exporter.journal import Figures
from exporter.metrics import LATENCY_BUCKETS
from exporter.state.histogram import Histogram


class JournalState:
    """The journal's own figures, and how long its commits take, in seconds."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures
        self.commits = Histogram(LATENCY_BUCKETS)
        figures.commits = self.commits
