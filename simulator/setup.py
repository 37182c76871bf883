"""What a simulator is built from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from simulator.fees import FeeAsset, FeeSchedule
from simulator.instruments import KNOWN, Instrument
from simulator.market import CHARACTERS
from simulator.replay import Recorded, instrument_for, load
from simulator.signing import Credentials
from simulator.venue import WEIGHT_LIMIT

DEFAULT_KEY, DEFAULT_SECRET = "simulator", "simulator-secret"
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

    ``still`` markets move only when told to. ``fees`` overrides ``fee`` by exchange. ``balances`` is what each
    account starts with, by asset.
    """

    exchanges: Sequence[str] = ("alpha",)
    symbols: Sequence[str] = tuple(KNOWN)
    seed: int = 7
    replay: Replay | None = None
    still: bool = False
    fee: FeeSchedule = field(default_factory=FeeSchedule)
    fees: Mapping[str, FeeSchedule] = field(default_factory=dict)
    balances: Mapping[str, Decimal] = field(default_factory=lambda: dict(DEFAULT_BALANCES))
    credentials: Credentials = field(default_factory=lambda: Credentials(DEFAULT_KEY, DEFAULT_SECRET))
    log_dir: Path | None = None
    weight_limit: int = WEIGHT_LIMIT


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
    schedules = [setup.fees.get(name, setup.fee) for name in setup.exchanges]
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
