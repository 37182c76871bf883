"""The simulator's own log of fills: the truth that accounts are checked against."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from simulator.engine.instruments import text
from simulator.engine.orders import Event, Fill, OrderChanged
from simulator.web.dialect import encode

ACCOUNT = "main"


def fill_record(exchange: str, fill: Fill) -> dict[str, object]:
    """Return one line of the log: money as exact decimal strings, ``time`` in milliseconds."""
    return {
        "exchange": exchange,
        "account": ACCOUNT,
        "symbol": fill.symbol,
        "trade_id": str(fill.trade_id),
        "order_id": str(fill.order_id),
        "side": str(fill.side),
        "price": text(fill.price),
        "quantity": text(fill.quantity),
        "commission": text(fill.commission),
        "commission_asset": fill.commission_asset,
        "is_maker": fill.is_maker,
        "time": fill.time,
        "mid": text(fill.mid),
        "commission_mid": text(fill.commission_mid),
    }


class FillLog:
    """Appends each fill of an exchange to ``<folder>/<exchange>.fills.ndjson`` as it happens."""

    def __init__(self, folder: Path, exchange: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._exchange = exchange
        self._file: IO[bytes] = (folder / f"{exchange}.fills.ndjson").open("ab", buffering=0)

    def hear(self, event: Event) -> None:
        """Write ``event`` if it is a fill."""
        if isinstance(event, OrderChanged) and event.fill is not None:
            self._file.write(encode(fill_record(self._exchange, event.fill)) + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
