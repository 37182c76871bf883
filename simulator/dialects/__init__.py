"""The languages that a simulated exchange can speak, each as ccxt's class of the same name speaks it.

Where exchanges are named, ``gamma:kraken`` means the exchange ``gamma`` speaking Kraken's dialect; without one
it speaks Binance's.
"""

from __future__ import annotations

from simulator.dialects.binance import Binance
from simulator.dialects.binance_futures import BinanceCoinm, BinanceUsdm
from simulator.dialects.kraken import Kraken
from simulator.web.dialect import Dialect

DEFAULT = "binance"
DIALECTS: dict[str, Dialect] = {
    dialect.ccxt_id: dialect for dialect in (Binance(), BinanceUsdm(), BinanceCoinm(), Kraken())
}


def name_of(exchange: str) -> str:
    """Return ``gamma`` of ``gamma:kraken``."""
    return exchange.partition(":")[0]


def dialect_of(exchange: str) -> Dialect:
    """Return the dialect that ``exchange`` is to speak; raises LookupError that names the known ones."""
    wanted = exchange.partition(":")[2] or DEFAULT
    if wanted not in DIALECTS:
        msg = f"{exchange!r}: no dialect {wanted!r}; there are {', '.join(DIALECTS)}"
        raise LookupError(msg)
    return DIALECTS[wanted]


def ccxt_settings(base_url: str, exchange: str) -> dict[str, object]:
    """Return what the constructor of ccxt's class needs to talk to ``exchange`` at the simulator ``base_url``.

    Plain data (it can go into YAML or JSON), without keys: add ``apiKey`` and ``secret``.
    """
    return dialect_of(exchange).ccxt_settings(f"{base_url.rstrip('/')}/{name_of(exchange)}")
