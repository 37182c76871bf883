"""How good the alerts are: incidents told and false alarms on worlds of eight days. It takes some minutes."""

from __future__ import annotations

from tests.prometheus.quality import measure

__all__ = ["measure"]
