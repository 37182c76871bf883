"""The section ``pages``: what the exporter shows in a browser by itself."""

from __future__ import annotations

from exporter.config.base import LabelValue, Section


class Pages(Section, frozen=True):
    """``/live`` is for those who have the token; ``/public`` for everybody, so that nobody has it by accident."""

    live: bool = True
    public: bool = False
    name: LabelValue = "trading-exporter"
