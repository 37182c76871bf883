"""What nautilus calls an instrument, in our words.

A fill names its instrument, such as ``BTCUSDT-PERP.BINANCE``, but says neither what it is made of nor whether it is a
contract. That is not guessed: it comes from the configuration, or from the definition that nautilus publishes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from exporter.config import Nautilus
from exporter.errors import EventError
from exporter.events import ONE
from exporter.sources.nautilus.messages import Definition, seconds


@dataclass(frozen=True, slots=True)
class Instrument:
    """``exchange`` is our label for its venue, ``symbol`` has ccxt's form."""

    exchange: str
    symbol: str
    contract_size: Decimal = ONE

    @property
    def is_contract(self) -> bool:
        """Whether it is settled apart from what is bought or sold."""
        return ":" in self.symbol


class Instruments:
    """Those of one node."""

    def __init__(self, config: Nautilus) -> None:
        self._config = config
        self._known = {
            name: Instrument(self.exchange(venue(name)), symbol, _size(config.contract_sizes.get(name, ONE)))
            for name, symbol in config.symbols.items()
        }
        self._unfit: dict[str, str] = {}

    def define(self, definition: Definition) -> None:
        """Take what nautilus publishes of an instrument; what is configured comes first."""
        name = definition.id
        if name in self._config.symbols:
            return
        try:
            symbol = _symbol(definition)
        except EventError as error:
            self._unfit[name] = str(error)
            return
        size = _size(definition.multiplier) if ":" in symbol else ONE
        self._known[name] = Instrument(self.exchange(venue(name)), symbol, size)

    def knows(self, name: str) -> bool:
        """Whether there is nothing more to be found out about an instrument."""
        return name in self._known or name in self._unfit

    def find(self, name: str) -> Instrument:
        """The instrument of this name; `EventError` says what to write into the configuration."""
        found = self._known.get(name)
        if found is None:
            why = self._unfit.get(name, "nautilus published no definition of it")
            example = "BTC/USDT, or BTC/USDT:USDT for a contract"
            text = f"unknown instrument {name!r:.100}: {why}; write its symbol into nautilus[].symbols, as in {example}"
            raise EventError("instrument", text)
        return found

    def exchange(self, name: str) -> str:
        """Our label for a venue."""
        return self._config.venues.get(name, name.lower())


def venue(name: str) -> str:
    """The venue of an instrument; a symbol may have dots itself."""
    return name.rpartition(".")[2]


def topic(name: str) -> str:
    """Where nautilus publishes the definition of an instrument."""
    symbol, _, its_venue = name.rpartition(".")
    return f"data.instrument.{its_venue}.{symbol}"


def _symbol(definition: Definition) -> str:
    base, quote, settle = definition.base_currency or definition.underlying, definition.quote_currency, ""
    if not base or not quote:
        raise EventError("instrument", "it has no base currency")
    if definition.settlement_currency is None:
        return f"{base}/{quote}"
    settle = definition.settlement_currency
    if settle != (base if definition.is_inverse else quote):
        raise EventError("instrument", f"it settles in {settle}, neither {base} nor {quote}")
    if definition.expiration_ns is None:
        return f"{base}/{quote}:{settle}"
    expiry = datetime.fromtimestamp(seconds("expiration_ns", definition.expiration_ns), UTC)
    return f"{base}/{quote}:{settle}-{expiry:%y%m%d}"


def _size(size: Decimal) -> Decimal:
    """``ONE`` itself for one, which events tell from other sizes by identity."""
    return ONE if size == ONE else size
