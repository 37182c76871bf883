"""The section ``host``: the machine that the exporter runs on."""

from __future__ import annotations

from exporter.config.base import Seconds, Section


class Host(Section, frozen=True):
    """``interval`` seconds lie between two looks."""

    enabled: bool = True
    interval: Seconds = 1.0
