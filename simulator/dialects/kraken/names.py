"""Kraken's names: its own codes of currencies and pairs, and ids of orders and trades that are texts."""

from __future__ import annotations

import base64
import hashlib

from simulator.engine.instruments import Instrument
from simulator.engine.orders import Fill

_ALTERNATIVES = {"BTC": "XBT", "DOGE": "XDG"}
_LEGACY_COINS = ("BTC", "DOGE", "ETC", "ETH", "LTC", "XLM", "XMR", "XRP", "ZEC")
_LEGACY_MONEY = ("AUD", "CAD", "EUR", "GBP", "JPY", "USD")


def alternative(code: str) -> str:
    """Return the short name of a currency: ``XBT`` of ``BTC``."""
    return _ALTERNATIVES.get(code, code)


def asset_id(code: str) -> str:
    """Return the id of a currency; the oldest ones have a prefix: ``XXBT``, ``ZUSD``."""
    prefix = "X" if code in _LEGACY_COINS else "Z" if code in _LEGACY_MONEY else ""
    return prefix + alternative(code)


def alternative_pair(instrument: Instrument) -> str:
    """Return the short name of a pair, as orders and their descriptions have it: ``XBTUSDT``."""
    return alternative(instrument.base) + alternative(instrument.quote)


def pair_id(instrument: Instrument) -> str:
    """Return the id of a pair: ``XXBTZUSD`` where both sides are old enough for a prefix, else ``XBTUSDT``."""
    both = instrument.base in _LEGACY_COINS and instrument.quote in (*_LEGACY_COINS, *_LEGACY_MONEY)
    return asset_id(instrument.base) + asset_id(instrument.quote) if both else alternative_pair(instrument)


def socket_name(instrument: Instrument) -> str:
    """Return ``XBT/USDT``: the name in the first version of the WebSocket API. The second says ``BTC/USDT``."""
    return f"{alternative(instrument.base)}/{alternative(instrument.quote)}"


def order_txid(number: int) -> str:
    """Return the id of the engine's order ``number``."""
    return _txid("O", str(number))


def trade_txid(fill: Fill) -> str:
    """Return the id of one execution."""
    return _txid("T", f"{fill.symbol} {fill.trade_id}")


def ledger_id(number: int) -> str:
    """Return the id of the ledger's entry of the engine's movement ``number``."""
    return _txid("L", str(number))


def _txid(kind: str, what: str) -> str:
    digest = hashlib.blake2b(f"{kind} {what}".encode(), digest_size=10).digest()
    letters = base64.b32encode(digest).decode()
    return f"{kind}{letters[:5]}-{letters[5:10]}-{letters[10:16]}"
