"""What a simulator is built from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from simulator.dialects import dialect_of, name_of
from simulator.engine.fees import FeeAsset, FeeSchedule
from simulator.engine.instruments import KNOWN, Instrument
from simulator.engine.market import CHARACTERS
from simulator.engine.replay import Recorded, instrument_for, load
from simulator.web.credentials import Credentials

# The secret is base64 as well, which some exchanges ask for.
DEFAULT_KEY, DEFAULT_SECRET = "simulator", "simulator/secret"
DEFAULT_BALANCES = {
    "USDT": Decimal(1_000_000),
    "BTC": Decimal(20),
    "ETH": Decimal(400),
    "BNB": Decimal(1000),
}
OTHER_BALANCE = Decimal(1_000_000)


class SetupError(Exception):
    """The simulator cannot be built as asked; the message says what to change."""


@dataclass(frozen=True)
class Replay:
    """What to play on ``symbol``: dump files (at least one), how much faster, and whether to wait for a start."""

    symbol: str
    trades: Path | None = None
    quotes: Path | None = None
    speed: float = 1.0
    wait: bool = False


@dataclass(frozen=True)
class Setup:
    """How to build the simulator.

    ``exchanges`` are names, with the dialect behind a colon where it is not Binance's: ``gamma:kraken``.
    ``still`` markets move only when told to. ``fees`` overrides ``fee`` by exchange's name; without either, the
    dialect's usual fees are taken. ``balances`` is what each account starts with, by asset. ``request_limit``
    replaces the dialect's own.
    """

    exchanges: Sequence[str] = ("alpha",)
    symbols: Sequence[str] = tuple(KNOWN)
    seed: int = 7
    replay: Replay | None = None
    still: bool = False
    fee: FeeSchedule | None = None
    fees: Mapping[str, FeeSchedule] = field(default_factory=dict)
    balances: Mapping[str, Decimal] = field(default_factory=lambda: dict(DEFAULT_BALANCES))
    credentials: Credentials = field(default_factory=lambda: Credentials(DEFAULT_KEY, DEFAULT_SECRET))
    log_dir: Path | None = None
    request_limit: int | None = None

    def fees_of(self, exchange: str) -> FeeSchedule:
        """Return what trading costs on an exchange, given as in ``exchanges``."""
        return self.fees.get(name_of(exchange)) or self.fee or dialect_of(exchange).fees


def check_exchanges(setup: Setup) -> None:
    """Raise SetupError unless the exchanges have different names, known dialects, and keys and fees that fit these."""
    names = [name_of(exchange) for exchange in setup.exchanges]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        msg = f"two exchanges are named {twice[0]}"
        raise SetupError(msg)
    for exchange in setup.exchanges:
        try:
            dialect = dialect_of(exchange)
        except LookupError as error:
            raise SetupError(error.args[0]) from error
        objection = dialect.objection(setup.credentials, setup.fees_of(exchange))
        if objection:
            msg = f"{exchange}: {objection}"
            raise SetupError(msg)


def instruments_of(setup: Setup) -> list[Instrument]:
    """Return what is traded; raises SetupError or ReplayError."""
    replay = setup.replay
    if replay is not None and replay.trades is None and replay.quotes is None:
        msg = "a replay needs a file of trades or of quotes"
        raise SetupError(msg)
    unknown = [s for s in setup.symbols if s not in CHARACTERS and (replay is None or s != replay.symbol)]
    if unknown:
        msg = f"unknown symbol {unknown[0]}: the synthetic markets are {', '.join(CHARACTERS)}"
        raise SetupError(msg)
    instruments = {symbol: KNOWN[symbol] for symbol in setup.symbols if symbol in KNOWN}
    if replay is not None:
        instruments[replay.symbol] = instrument_for(replay.symbol, replay.trades, replay.quotes)
    schedules = [setup.fees_of(exchange) for exchange in setup.exchanges]
    if any(fee.asset is FeeAsset.BNB for fee in schedules) and "BNB/USDT" not in instruments:
        # Fees in a token need a market that prices it.
        instruments["BNB/USDT"] = KNOWN["BNB/USDT"]
    _check_priced(list(instruments.values()))
    return list(instruments.values())


def _check_priced(instruments: list[Instrument]) -> None:
    """Raise SetupError unless every quote currency has a price in USDT."""
    priced = {"USDT"} | {i.base for i in instruments if i.quote == "USDT"}
    for instrument in instruments:
        if instrument.quote not in priced:
            msg = f"{instrument.symbol} needs the market {instrument.quote}/USDT as well, to price its fees"
            raise SetupError(msg)


def recording_of(setup: Setup, instruments: list[Instrument]) -> list[Recorded]:
    """Return the rows to replay, none without a replay; raises ReplayError."""
    replay = setup.replay
    if replay is None:
        return []
    instrument = next(i for i in instruments if i.symbol == replay.symbol)
    return load(replay.trades, replay.quotes, instrument)
