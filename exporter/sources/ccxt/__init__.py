"""Exchanges through ccxt: WebSocket where the exchange has it, REST otherwise."""

from exporter.sources.ccxt.client import known_exchanges
from exporter.sources.ccxt.source import CcxtSource

__all__ = ["CcxtSource", "known_exchanges"]
